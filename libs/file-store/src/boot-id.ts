import { randomUUID } from 'node:crypto';
import fs from 'node:fs';

const LINUX_BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** Where the system tells no boot, every start of the process counts as one: an offset may then be lower, never higher. */
const thisProcess = randomUUID();

let known: Promise<string> | undefined;

/** Names the time since the machine was started: what was written to a file in it can still be read from memory. */
export function bootId(): Promise<string> {
  known ??= new Promise((resolve) => {
    fs.readFile(LINUX_BOOT_ID, 'utf8', (error, text) => resolve(error ? thisProcess : text.trim()));
  });
  return known;
}
