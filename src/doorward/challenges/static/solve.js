// Answers the challenge of a form, without a word to the person in front of it:
//
//   <form data-challenge-token="dwc_…" data-challenge-bits="13" data-challenge-parts="8">
//     <input type="hidden" name="proof" value="dwc_…">        the token alone: the answer of who waits without script
//
// While a worker computes, submitting waits; when it is done, the hidden field holds the answer. The form is told by the
// events "doorward-progress" (detail: {done, parts}), "doorward-solved" and "doorward-failed". For scripts of an application there is
// doorwardSolve(challenge), which returns a promise of what to send in the header Doorward-Proof.
"use strict";

(() => {
  const worker = new URL("worker.js", document.currentScript.src);

  function solve({ token, bits, parts }, progress = () => {}) {
    return new Promise((resolve, reject) => {
      const thread = new Worker(worker);
      thread.onerror = reject;
      thread.onmessage = ({ data }) => {
        if (data.proof === undefined) {
          progress(data);
          return;
        }
        thread.terminate();
        resolve(data.proof);
      };
      thread.postMessage({ token, bits, parts });
    });
  }

  function attend(form) {
    const { challengeToken: token, challengeBits: bits, challengeParts: parts } = form.dataset;
    let waiting = null;
    let solved = false;
    form.addEventListener("submit", (event) => {
      if (solved) return;
      event.preventDefault();
      waiting = event.submitter;
      form.setAttribute("aria-busy", "true");
    });
    const tell = (name, detail) => form.dispatchEvent(new CustomEvent(name, { detail }));
    const begin = { token, bits: Number(bits), parts: Number(parts) };
    solve(begin, (done) => tell("doorward-progress", done)).then((proof) => {
      form.elements.namedItem("proof").value = proof;
      solved = true;
      tell("doorward-solved", {});
      if (form.getAttribute("aria-busy") === "true") {
        form.removeAttribute("aria-busy");
        form.requestSubmit(waiting);
      }
    }, () => {
      solved = true;
      form.removeAttribute("aria-busy");
      tell("doorward-failed", {});
    });
  }

  globalThis.doorwardSolve = solve;
  const start = () => document.querySelectorAll("form[data-challenge-token]").forEach(attend);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
