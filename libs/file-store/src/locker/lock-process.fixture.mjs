/**
 * A process that locks what it is told to on its standard input, and tells what happens on its standard output.
 * Arguments: the built FileLocker's URL, directory, staleAfter.
 */
import { appendFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';

const [module, directory, staleAfter] = process.argv.slice(2);
const { FileLocker } = await import(module);
const locker = new FileLocker({ directory, staleAfter: Number(staleAfter) });
let lock;

const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);

const commands = {
  async lock(id, patience) {
    lock = locker.newLock(id);
    const signal = patience ? AbortSignal.timeout(Number(patience)) : new AbortController().signal;
    try {
      await lock.lock(signal, () => say('asked'));
    } catch (error) {
      return say('refused', error.code);
    }
    lock.lost.addEventListener('abort', () => say('lost', lock.lost.reason.code));
    say(
      'held',
      JSON.stringify({ token: lock.token, previousToken: lock.previousToken, seized: lock.seized }),
    );
  },
  async try(id) {
    lock = locker.newLock(id);
    say('tried', await lock.tryLock());
  },
  async unlock() {
    await lock.unlock();
    say('unlocked');
  },
  async isHeld() {
    say('isHeld', await lock.isHeld());
  },
  /** Enters and leaves the same section again and again, and writes down each time it does. */
  async contend(id, rounds, log) {
    for (let round = 0; round < Number(rounds); round += 1) {
      const own = locker.newLock(id);
      await own.lock(new AbortController().signal, () => undefined);
      await appendFile(log, `enter ${process.pid}\n`);
      await nextTurn();
      await appendFile(log, `leave ${process.pid}\n`);
      await own.unlock();
      say('round', round);
    }
    say('done');
  },
  async close() {
    await locker.close();
    say('closed');
  },
  exit() {
    process.exit(0);
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, ...words] = line.split(' ');
  void commands[command](...words);
});
say('ready');
