// The script of the page. It holds no token and no cookie: whether somebody is logged in, it asks.
import { Doorward, Refused } from "/auth/v1/doorward.js";

const auth = new Doorward();
const part = (id) => document.getElementById(id);

// Also when another tab has logged in or out.
auth.addEventListener("signedin", show);
auth.addEventListener("signedout", show);

part("entrance").addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = new FormData(event.target);
  attempt(() =>
    auth.logIn({ login: fields.get("login"), password: fields.get("password"), remember: fields.has("remember") }),
  );
});
part("drink").addEventListener("click", () => attempt(async () => count(await auth.fetch("/api/cups", { method: "POST" }))));
part("leave").addEventListener("click", () => attempt(() => auth.logOut()));

async function show() {
  await attempt(async () => {
    const account = await auth.account();
    part("entrance").hidden = account !== null;
    part("inside").hidden = account === null;
    part("entrance").reset();
    part("who").textContent = account?.email ?? "";
    part("cups").textContent = "";
    if (account) await count(await auth.fetch("/api/cups"));
  });
}

async function count(answer) {
  if (answer.ok) part("cups").textContent = (await answer.json()).cups;
}

// What doorward refuses is said in its words; anything else is the network.
async function attempt(act) {
  part("trouble").textContent = "";
  try {
    await act();
  } catch (error) {
    part("trouble").textContent = error instanceof Refused ? error.message : "There is no connection. Try again.";
  }
}

show();
