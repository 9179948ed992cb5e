import { dirname, join } from 'node:path';
import type { SystemCall } from './system-calls.js';

/** An answer on the wire, and what a loss of power at that instant could still take away. */
export interface AnswerOnDisk {
  readonly status: number;
  /** `content of a`: bytes not synced; `entry a`: a name whose directory is not synced. Paths are relative to the folder. */
  readonly unsynced: string[];
  /** Files below the folder that were written to since the answer before. */
  readonly written: string[];
  /** Names that came to be since the answer before. */
  readonly entries: string[];
}

/** Something that must reach the disk: changed at one position, safe when a sync that began later has ended. */
type Changes = Map<string, number>;

const WRITES = new Set([
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'pwritev2',
  'ftruncate',
  'copy_file_range',
]);
const SYNCS = new Set(['fsync', 'fdatasync']);
const FAILED = /^-1|^\?/;

/**
 * Replays the system calls of a process, and tells for each HTTP answer (interim ones not) what of `folder` was not on
 * disk when it was given to the socket. A sync counts when it has returned, for what had been done before it began.
 */
export function answersOnDisk(calls: readonly SystemCall[], folder: string): AnswerOnDisk[] {
  const contents: Changes = new Map();
  const names: Changes = new Map();
  const answers: AnswerOnDisk[] = [];
  let written = new Set<string>();
  let entries = new Set<string>();
  const below = (path: string | undefined) =>
    path?.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;

  // An answer counts from when it was begun to be written, all else from when it had happened.
  const instant = (call: SystemCall) => (statusOf(call) === undefined ? call.end : call.begin);
  for (const call of [...calls].sort((a, b) => instant(a) - instant(b))) {
    const status = statusOf(call);
    if (status !== undefined) {
      answers.push({
        status,
        unsynced: [
          ...[...contents.keys()].map((path) => `content of ${path}`),
          ...[...names.keys()].map((path) => `entry ${path}`),
        ].sort(),
        written: [...written].sort(),
        entries: [...entries].sort(),
      });
      written = new Set();
      entries = new Set();
      continue;
    }
    if (FAILED.test(call.result)) continue;
    const path = pathOf(call.args);

    if (SYNCS.has(call.name)) {
      const synced = below(path);
      if (synced !== undefined) settle(contents, call, (changed) => changed === synced);
      settle(names, call, (changed) => join(folder, dirname(changed)) === path);
    } else if (WRITES.has(call.name)) {
      const file = below(path);
      if (file === undefined) continue;
      contents.set(file, call.end);
      written.add(file);
    } else if (call.name === 'openat') {
      const file = /O_CREAT/.test(call.args) ? below(pathOf(call.result)) : undefined;
      if (file === undefined) continue;
      names.set(file, call.end);
      entries.add(file);
    } else if (/^(rename|link|unlink)/.test(call.name)) {
      const [from, to] = quoted(call.args).map(below);
      const moves = !call.name.startsWith('link');
      if (from !== undefined && to !== undefined) {
        const content = contents.get(from);
        if (content !== undefined) contents.set(to, content);
        names.set(to, call.end);
        entries.add(to);
      }
      if (moves && from !== undefined) {
        contents.delete(from);
        names.delete(from);
      }
    }
  }
  return answers;
}

function settle(changes: Changes, sync: SystemCall, isCovered: (path: string) => boolean): void {
  for (const [path, at] of changes) if (isCovered(path) && at < sync.begin) changes.delete(path);
}

function statusOf({ args }: SystemCall): number | undefined {
  const [, status] = /^\d+<(?:socket|TCP)\S*, .*?"HTTP\/1\.1 ([2-5]\d\d) /.exec(args) ?? [];
  return status === undefined ? undefined : Number(status);
}

/** The path of the first descriptor: `/a` of `3</a>, …`. */
function pathOf(args: string): string | undefined {
  return /^\d+<(\/[^>]*)>/.exec(args)?.[1];
}

function quoted(args: string): string[] {
  return [...args.matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? '');
}
