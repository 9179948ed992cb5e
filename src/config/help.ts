import { environmentName, FLAGS, LATER_FLAGS } from './flags.js';
import type { Flag } from './flags.js';

/** The text of `--help`. */
export function helpText(): string {
  const flags = Object.values(FLAGS) as Flag<unknown>[];
  const left = flags.map(({ name, kind }) =>
    kind.placeholder ? `--${name} ${kind.placeholder}` : `--${name}`,
  );
  const width = Math.max(...left.map((column) => column.length)) + 2;
  const lines = flags.map(
    ({ kind, fallback, description }, index) =>
      `  ${(left[index] ?? '').padEnd(width)}${description}${kind.placeholder ? ` (${fallback})` : ''}`,
  );
  return [
    'A tus 1.0.0 server for resumable uploads.',
    '',
    'Usage: npm start -- [flags]',
    '',
    ...lines,
    `  ${'--help'.padEnd(width)}print this`,
    '',
    `Not part of this version yet: ${LATER_FLAGS.map((name) => `--${name}`).join(', ')}, --store s3.`,
    `Each flag is also an environment variable: --upload-dir is ${environmentName('upload-dir')}. The flag wins.`,
    'Durations: 500ms, 10s, 5m, 24h. Sizes: bytes, or 8KiB, 64MiB, 5GiB.',
    '',
  ].join('\n');
}
