import { resolve } from 'node:path';

/** What an offset that a client has been told survives. */
export type Durability = 'crash' | 'power-loss';

export interface FileStoreOptions {
  /** Where uploads are kept; made by `init()` if it is missing. Relative: to the working directory. */
  readonly directory: string;
  /**
   * What a reported offset survives. `crash` (default): the end of the process, at any instant. `power-loss`: that of
   * the machine too; data and directory entries are synced before they are reported, which costs several times as much.
   */
  readonly durability?: Durability;
  /** Mode of directories that are made, before the umask. Default `0o775`. */
  readonly dirMode?: number;
  /** Mode of files, before the umask. Default `0o664`. */
  readonly fileMode?: number;
}

export type ResolvedOptions = Required<FileStoreOptions>;

const KNOWN = ['directory', 'durability', 'dirMode', 'fileMode'];
const LARGEST_MODE = 0o7777;

/** @throws TypeError that says what to write instead */
export function resolveOptions(options: FileStoreOptions): ResolvedOptions {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`FileStore: got ${show(given)}. Write new FileStore({ directory: './uploads' }).`);
  }
  const unknown = Object.keys(given).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`FileStore: there is no option "${unknown}". The options are ${KNOWN.join(', ')}.`);
  }
  const { directory, durability = 'crash', dirMode = 0o775, fileMode = 0o664 } = options;
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new TypeError(
      `FileStore: directory is ${show(directory)}. Give it a path, e.g. directory: './uploads'.`,
    );
  }
  if (durability !== 'crash' && durability !== 'power-loss') {
    throw new TypeError(`FileStore: durability is ${show(durability)}. Write 'crash' or 'power-loss'.`);
  }
  return {
    directory: resolve(directory),
    durability,
    dirMode: modeOf('dirMode', dirMode, '0o775'),
    fileMode: modeOf('fileMode', fileMode, '0o664'),
  };
}

function modeOf(name: string, mode: unknown, example: string): number {
  if (typeof mode === 'number' && Number.isInteger(mode) && mode >= 0 && mode <= LARGEST_MODE) return mode;
  throw new TypeError(
    `FileStore: ${name} is ${show(mode)}. Write file permissions as an octal number, e.g. ${example}.`,
  );
}

function show(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value);
}
