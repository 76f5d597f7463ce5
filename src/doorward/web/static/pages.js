// Comfort for pages that work without it: showing a password, its strength, times in one's own zone.
"use strict";
{
  const root = document.documentElement;
  root.classList.add("js");

  // A page that comes back out of the browser's memory may be one of somebody who has logged out since.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  for (const button of document.querySelectorAll(".reveal")) {
    const input = document.getElementById(button.getAttribute("aria-controls"));
    const word = button.firstElementChild;
    const words = [word.textContent, word.dataset.shown];
    const show = (shown) => {
      input.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
      word.textContent = words[Number(shown)];
    };
    button.addEventListener("click", () => { show(input.type === "password"); input.focus(); });
    // Sent as a password, so that no browser keeps it among the texts that were typed.
    input.form.addEventListener("submit", () => show(false));
  }

  // The secret of a mail's link stands behind the '#', which no server sees; the form brings it along, and it leaves the
  // address, so that it does not stay in the history.
  const take = () => {
    const secret = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!secret) return;
    for (const input of document.querySelectorAll("input[data-from-link]")) input.value = secret;
    for (const field of document.querySelectorAll("[data-unless-link]")) field.remove();
    history.replaceState(null, "", location.pathname + location.search);
  };
  take();
  addEventListener("hashchange", take);  // the link was followed in the very tab that waited for it

  for (const form of document.querySelectorAll("form")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
      setTimeout(() => { delete form.dataset.sent; }, 3000);
    });
  }

  // The work is done by solve.js; here it is told, and the form sent again where nothing is left to be typed.
  for (const form of document.querySelectorAll("form[data-challenge-token]")) {
    const status = form.querySelector("[data-working]");
    const bar = form.querySelector("progress");
    if (!status || !bar) continue;  // a template of the operator's without them
    status.textContent = status.dataset.working;
    form.addEventListener("doorward-progress", ({ detail }) => { bar.value = detail.done; });
    form.addEventListener("doorward-solved", () => {
      delete form.dataset.sent;
      status.textContent = status.dataset.ready;
      const asked = form.getAttribute("aria-busy") === "true";
      if (!asked && form.dataset.challengeResend !== undefined) form.requestSubmit();
    });
    form.addEventListener("doorward-failed", () => {
      delete form.dataset.sent;
      form.dataset.failed = "yes";
    });
  }

  for (const input of document.querySelectorAll("input[data-check]")) {
    const meter = document.getElementById(input.id + "-strength");
    const verdict = meter.querySelector(".verdict");
    const words = JSON.parse(meter.dataset.words);
    const similar = () => {
      const to = input.dataset.similarTo;
      return to.startsWith("#") ? document.querySelector(to).value : to;
    };
    let timer, question;
    const say = (score) => {
      meter.dataset.score = score;
      verdict.textContent = score === "" ? "" : words[score];
    };
    const ask = async () => {
      question = new AbortController();
      try {
        const answer = await fetch(input.dataset.check, {
          method: "POST", headers: { "Content-Type": "application/json" }, signal: question.signal,
          body: JSON.stringify({ password: input.value, email: similar().slice(0, 254) }),
        });
        if (answer.ok) {
          const { score, acceptable } = await answer.json();
          say(acceptable ? Math.max(score, 2) : Math.min(score, 1));
        } else say("");
      } catch { /* asked anew, or not reachable: the form itself will tell */ }
    };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      question?.abort();
      if (input.value === "") say("");
      else timer = setTimeout(ask, 300);
    });
  }

  for (const time of document.querySelectorAll("time[data-show]")) {
    const when = new Date(time.dateTime);
    if (time.dataset.show === "date") time.textContent = when.toLocaleDateString(root.lang, { dateStyle: "long" });
    else time.title = when.toLocaleString(root.lang, { dateStyle: "long", timeStyle: "short" });
  }
}
