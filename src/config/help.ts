import { environmentName, FLAGS } from './flags.js';
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
      `  ${(left[index] ?? '').padEnd(width)}${description}${kind.placeholder ? ` (${fallback || 'none'})` : ''}`,
  );
  return [
    'A server for resumable uploads: tus 1.0.0, and the IETF draft beside it.',
    '',
    'Usage: npm start -- [flags]',
    '',
    ...lines,
    `  ${'--help'.padEnd(width)}print this`,
    `  ${'--version'.padEnd(width)}print the version`,
    '',
    'Credentials of the S3 store come from the AWS variables and files, e.g. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    `Each flag is also an environment variable: --upload-dir is ${environmentName('upload-dir')}. The flag wins.`,
    'Durations: 500ms, 10s, 5m, 24h. Sizes: bytes, or 8KiB, 64MiB, 5GiB.',
    '',
  ].join('\n');
}
