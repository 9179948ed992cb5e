/** What hooks and their like did last: part of the reproduction when something breaks. */
const acts = [];
const MOST_ACTS = 3_000;

export function recordAct(act) {
  acts.push(act);
  if (acts.length > MOST_ACTS) acts.shift();
}

export function recentActs() {
  return [...acts];
}
