import { parseArgs } from 'node:util';
import { nearName, showValue } from '@nestjs-tus/core';
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

/** What the command line asks for in place of a server. Its other flags are known. */
export type Information = 'help' | 'version';

const INFORMATION: readonly string[] = ['help', 'version'] satisfies Information[];

/**
 * @param args the command line without the program
 * @returns undefined when it asks for a server
 * @throws UsageError for a flag that is unknown, or has no value
 */
export function informationWanted(args: readonly string[]): Information | undefined {
  const given = readFlags(args);
  return (['help', 'version'] as const).find((flag) => given.has(flag));
}

/**
 * Reads the server's options: a flag wins over its environment variable, that over the default.
 *
 * @param args the command line without the program
 * @throws UsageError for what is unknown or wrong
 */
export function readOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ServerOptions {
  const given = readFlags(args);
  const flags = Object.entries(FLAGS) as [string, Flag<unknown>][];
  const values: unknown = Object.fromEntries(
    flags.map(([option, flag]) => [option, valueOf(flag, given, environment)]),
  );
  return checkTogether(values as Values);
}

/** What stands on the command line, by flag. A flag that is given twice counts the last time. */
function readFlags(args: readonly string[]): Map<string, string> {
  const flags = Object.values(FLAGS) as Flag<unknown>[];
  const switches = new Set([
    ...flags.filter(({ kind }) => !kind.placeholder).map(({ name }) => name),
    ...INFORMATION,
  ]);
  const known = new Set([...flags.map(({ name }) => name), ...INFORMATION]);
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
      throw new UsageError(`unexpected argument ${showValue(token.value)}; flags begin with --`);
    if (token.kind !== 'option') continue;
    if (!known.has(token.name)) throw unknownFlag(token.rawName, known);
    given.set(token.name, switches.has(token.name) ? (token.value ?? 'true') : valueIn(token));
  }
  return given;
}

/** The value of a flag that is no switch. One that looks like the next flag is that: its own is missing. */
function valueIn({
  name,
  value,
  inlineValue,
}: {
  name: string;
  value?: string;
  inlineValue?: boolean;
}): string {
  if (value !== undefined && (inlineValue || !value.startsWith('-'))) return value;
  throw new UsageError(`--${name} wants a value, e.g. --${name}=${exampleOf(name)}`);
}

function exampleOf(name: string): string {
  return (Object.values(FLAGS) as Flag<unknown>[]).find((flag) => flag.name === name)?.fallback ?? '';
}

function unknownFlag(rawName: string, known: ReadonlySet<string>): UsageError {
  const close = nearName(rawName, [...known]);
  const name = showValue(rawName).slice(1, -1);
  return new UsageError(`unknown flag ${name}; ${close ? `did you mean --${close}?` : 'see --help'}`);
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
  const instead = flag.kind.isSecret ? '' : `, not ${showValue(text)}`;
  throw new UsageError(`${source} wants ${flag.kind.form}${instead}`);
}

/** What one flag cannot say alone. */
function checkTogether(values: Values): ServerOptions {
  const { store, locker } = values;
  if (store === 's3') checkS3(values);
  atMost('min-size', values.minSize, 'max-size', values.maxSize);
  atMost('min-append-size', values.minAppendSize, 'max-append-size', values.maxAppendSize);
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

/** A limit below another one, where that is set. */
function atMost(name: string, value: number, limitName: string, limit: number): void {
  if (limit > 0 && value > limit)
    throw new UsageError(`--${name} wants at most --${limitName}, ${limit}, not ${value}`);
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
