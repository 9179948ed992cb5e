import { parseArgs } from 'node:util';
import { environmentName, FLAGS } from './flags.js';
import type { Flag } from './flags.js';
import type { ServerOptions } from './server-options.js';

/** What S3 and its like take. */
const LARGEST_S3_PART = 5 * 2 ** 30;

/** Something on the command line or in the environment is wrong. Its message is one line for the operator. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Values = { -readonly [K in keyof typeof FLAGS]: (typeof FLAGS)[K] extends Flag<infer T> ? T : never };

/**
 * Reads the server's options: a flag wins over its environment variable, that over the default.
 *
 * @param args the command line without the program
 * @returns undefined when help is asked for
 * @throws UsageError for an unknown flag or a bad value
 */
export function readOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ServerOptions | undefined {
  const given = readFlags(args);
  if (given.has('help')) return undefined;
  const flags = Object.entries(FLAGS) as [string, Flag<unknown>][];
  const values: unknown = Object.fromEntries(
    flags.map(([option, flag]) => [option, valueOf(flag, given, environment)]),
  );
  return checkTogether(values as Values);
}

/** What stands on the command line, by flag. A flag that is given twice counts the last time. */
function readFlags(args: readonly string[]): Map<string, string> {
  const flags = Object.values(FLAGS) as Flag<unknown>[];
  const switches = new Set(flags.filter(({ kind }) => !kind.placeholder).map(({ name }) => name));
  const known = new Set(flags.map(({ name }) => name));
  const types = Object.fromEntries(
    [...known].map((name) => [name, { type: switches.has(name) ? 'boolean' : 'string' } as const]),
  );
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...types, help: { type: 'boolean', short: 'h' } },
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === 'positional')
      throw new UsageError(`unexpected argument "${token.value}"; flags begin with --`);
    if (token.kind !== 'option') continue;
    if (token.name !== 'help' && !known.has(token.name)) throw unknownFlag(token.rawName, known);
    if (token.value === undefined && !switches.has(token.name) && token.name !== 'help') {
      throw new UsageError(`--${token.name} wants a value, e.g. --${token.name} ${exampleOf(token.name)}`);
    }
    given.set(token.name, token.value ?? '');
  }
  return given;
}

function exampleOf(name: string): string {
  return (Object.values(FLAGS) as Flag<unknown>[]).find((flag) => flag.name === name)?.fallback ?? '';
}

function unknownFlag(rawName: string, known: ReadonlySet<string>): UsageError {
  const stem = rawName.replace(/^-+/, '').replaceAll('_', '-').toLowerCase();
  const close = [...known].find(
    (name) => name === stem || (stem.length > 2 && (name.startsWith(stem) || stem.startsWith(name))),
  );
  return new UsageError(`unknown flag ${rawName}; ${close ? `did you mean --${close}?` : 'see --help'}`);
}

function valueOf<T>(
  flag: Flag<T>,
  given: ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string | undefined>>,
): T {
  const fromFlag = given.get(flag.name);
  // An empty variable is what Compose files and shells leave where nothing was meant.
  const fromEnvironment = environment[environmentName(flag.name)] || undefined;
  const text = fromFlag ?? fromEnvironment ?? flag.fallback;
  const value = flag.kind.parse(text);
  if (value !== undefined) return value;
  const source = fromFlag === undefined ? environmentName(flag.name) : `--${flag.name}`;
  const instead = flag.kind.isSecret ? '' : `, not "${text}"`;
  throw new UsageError(`${source} wants ${flag.kind.form}${instead}`);
}

/** What one flag cannot say alone. */
function checkTogether(values: Values): ServerOptions {
  const { store, locker } = values;
  if (store === 's3') checkS3(values);
  if (values.workers > 1 && store === 'memory') {
    throw new UsageError(
      `--workers ${values.workers} needs a store that all processes see: use --store file`,
    );
  }
  if (values.workers > 1 && locker === 'memory') {
    throw new UsageError(
      `--workers ${values.workers} needs a locker that spans processes: use --locker file or redis`,
    );
  }
  return { ...values, store, locker };
}

/** The S3 store says the rest when it is made: what is here is said by flags. */
function checkS3({ s3Bucket, s3PartSize, s3MinPartSize, ...values }: Values): void {
  if (s3Bucket === '') throw new UsageError('--store s3 needs a bucket: use --s3-bucket');
  if (s3MinPartSize < 1 || s3PartSize < s3MinPartSize || s3PartSize > LARGEST_S3_PART) {
    throw new UsageError('--s3-part-size wants a size from --s3-min-part-size to 5GiB');
  }
  if (values.s3PublicEndpoint !== '' && values.s3PresignedDownloads === 0) {
    throw new UsageError(
      '--s3-public-endpoint is for presigned URLs: use --s3-presigned-downloads 5m with it',
    );
  }
}
