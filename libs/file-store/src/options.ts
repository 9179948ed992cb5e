import { resolve } from 'node:path';
import { checkOptions, optionKinds, type OptionTable } from '@nestjs-tus/core';

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

const LARGEST_MODE = 0o7777;

/** The path of a folder. */
export const folder = optionKinds.required(
  optionKinds.textOf(
    "the path of a folder, e.g. directory: './uploads'",
    (path) => path.trim() !== '' && !path.includes('\0'),
  ),
);

const OPTIONS: OptionTable<FileStoreOptions> = {
  directory: folder,
  durability: optionKinds.oneOf('crash', 'power-loss'),
  dirMode: mode('0o775'),
  fileMode: mode('0o664'),
};

/** @throws TypeError that says what to write instead */
export function resolveOptions(given: FileStoreOptions): ResolvedOptions {
  const options = checkOptions<FileStoreOptions>(given, OPTIONS, {
    owner: 'FileStore: ',
    example: "new FileStore({ directory: './uploads' })",
  });
  return {
    durability: 'crash',
    dirMode: 0o775,
    fileMode: 0o664,
    ...options,
    directory: resolve(options.directory),
  };
}

function mode(example: string): ReturnType<typeof optionKinds.kindOf> {
  return optionKinds.kindOf(
    `file permissions as an octal number, e.g. ${example}`,
    (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST_MODE,
  );
}
