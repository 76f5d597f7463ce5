// The work of a challenge, in a worker: for each part a number such that SHA-256(token "." part "." number) begins with
// `bits` zero bits. The blocks of the token are hashed once; what a number costs is one block.
"use strict";

const K = new Uint32Array(64);
const START = new Uint32Array(8);

// FIPS 180-4 §4.2.2 and §5.3.3: the first 32 bits of the fractional parts of cube and square roots of primes.
(() => {
  const fraction = (x) => ((x - Math.floor(x)) * 0x100000000) | 0;
  let found = 0;
  for (let n = 2; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    if (found < 8) START[found] = fraction(Math.sqrt(n));
    K[found++] = fraction(Math.cbrt(n));
  }
})();

const W = new Int32Array(64);

function block(state, bytes, at) {
  for (let i = 0; i < 16; i++, at += 4) {
    W[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15], y = W[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
  }
  let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

function part(text, bits) {
  const prefix = new TextEncoder().encode(text);
  const middle = Int32Array.from(START);
  const whole = prefix.length - (prefix.length % 64);
  for (let at = 0; at < whole; at += 64) block(middle, prefix, at);
  const rest = prefix.subarray(whole);
  const tail = new Uint8Array(128);
  const state = new Int32Array(8);
  for (let number = 0; ; number++) {
    const digits = String(number);
    tail.fill(0);
    tail.set(rest);
    let end = rest.length;
    for (let i = 0; i < digits.length; i++) tail[end++] = digits.charCodeAt(i);
    const size = (whole + end) * 8;
    tail[end] = 0x80;
    const blocks = end < 56 ? 64 : 128;
    tail[blocks - 4] = size >>> 24; tail[blocks - 3] = size >>> 16; tail[blocks - 2] = size >>> 8; tail[blocks - 1] = size;
    state.set(middle);
    for (let at = 0; at < blocks; at += 64) block(state, tail, at);
    if (bits <= 32 && (state[0] >>> (32 - bits)) === 0) return digits;
  }
}

onmessage = ({ data: { token, bits, parts } }) => {
  const numbers = [];
  for (let number = 1; number <= parts; number++) {
    numbers.push(part(`${token}.${number}.`, bits));
    postMessage({ done: number, parts });
  }
  postMessage({ proof: `${token}~${numbers.join(".")}` });
};
