import { readOptions, USAGE } from './options.mjs';
import { soak } from './soak.mjs';

let options;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}
const failures = await soak({ ...options, print: (line) => console.log(line) });
for (const { key, count, details } of failures) {
  console.log(
    `\nFAILED ${key} (${count} times)\n${details.map((text) => indented(String(text))).join('\n')}`,
  );
}
console.log(
  failures.length === 0
    ? 'no failure'
    : `\n${failures.length} kinds of failure; again: npm run soak -- --seconds ${options.seconds} --seed ${options.seed} --only ${options.apps.join(',')}`,
);
process.exitCode = failures.length === 0 ? 0 : 1;

function indented(text) {
  return text
    .replace(/[^\n\x20-\x7e]/gu, (character) => (character >= '\u00a0' ? character : '.'))
    .replace(/^/gm, '  ');
}
