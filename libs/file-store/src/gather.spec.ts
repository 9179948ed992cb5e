import fs from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { jest } from '@jest/globals';
import { gather } from './gather.js';
import { temporaryFolder } from './testing/steps.js';

type Done = (error: Error | null, written: number) => void;

/** Writes that end when the test says so. */
class HeldWrites {
  readonly calls: { buffers: Uint8Array[]; position: number; done: Done }[] = [];

  constructor() {
    const note = (buffers: Uint8Array[], position: number, done: Done) =>
      this.calls.push({ buffers, position, done });
    const write = (
      _: number,
      buffer: Uint8Array,
      from: number,
      length: number,
      position: number,
      done: Done,
    ) => note([buffer.subarray(from, from + length)], position, done);
    const writev = (_: number, buffers: Uint8Array[], position: number, done: Done) =>
      note(buffers, position, done);
    jest.spyOn(fs, 'write').mockImplementation(write as never);
    jest.spyOn(fs, 'writev').mockImplementation(writev as never);
  }

  /** The bytes of the call before last acknowledged. */
  get last() {
    const call = this.calls.at(-1);
    if (!call) throw new Error('nothing was written');
    const bytes = Buffer.concat(call.buffers);
    return { ...call, bytes, text: bytes.toString(), finish: () => call.done(null, bytes.length) };
  }
}

describe('gather', () => {
  afterEach(() => void jest.restoreAllMocks());

  describe('with writes that take their time', () => {
    it('writes what arrived meanwhile in one call', async () => {
      const writes = new HeldWrites();
      const source = new PassThrough();
      const gathered = gather(3, 100, source);
      for (const piece of ['a', 'b', 'c', 'd']) source.write(piece);
      source.end();
      await new Promise((resolve) => source.once('end', resolve));
      expect(writes.calls).toHaveLength(1);
      expect(writes.last).toMatchObject({ text: 'a', position: 100 });
      writes.last.finish();
      expect(writes.calls).toHaveLength(2);
      expect(writes.last).toMatchObject({ text: 'bcd', position: 101 });
      expect(writes.last.buffers).toHaveLength(3);
      writes.last.finish();
      expect(await gathered).toEqual({ bytes: 4, ended: true, failure: undefined });
    });

    it('goes on with the rest when the system takes less', async () => {
      const writes = new HeldWrites();
      const gathered = gather(3, 0, Readable.from(['first', 'abc', '', 'def', 'ghi'], { objectMode: false }));
      await new Promise((resolve) => setImmediate(resolve));
      writes.last.done(null, 2);
      expect(writes.last).toMatchObject({ text: 'rst', position: 2 });
      writes.last.finish();
      writes.last.done(null, 4);
      expect(writes.last).toMatchObject({ text: 'efghi', position: 9 });
      writes.last.finish();
      expect(await gathered).toMatchObject({ bytes: 14, ended: true });
    });

    it('pauses the source above 1 MiB, and resumes it', async () => {
      const writes = new HeldWrites();
      const chunk = Buffer.alloc(256 * 1024);
      const source = new Readable({ read: () => void source.push(chunk) });
      const gathered = gather(3, 0, source);
      await new Promise((resolve) => source.once('pause', resolve));
      const resumed = new Promise((resolve) => source.once('resume', resolve));
      writes.last.finish();
      expect(writes.last.bytes.length).toBe(1024 * 1024);
      await resumed;
      source.destroy();
      await new Promise((resolve) => source.once('close', resolve));
      for (let finished = 1; finished < writes.calls.length; finished += 1) writes.last.finish();
      const { bytes, ended } = await gathered;
      expect(ended).toBe(false);
      expect(bytes).toBe(writes.calls.reduce((sum, { buffers }) => sum + Buffer.concat(buffers).length, 0));
    });

    it('pauses the source at 1,024 pieces, which is what the system takes at once', async () => {
      const writes = new HeldWrites();
      const pieces = Array.from({ length: 2_001 }, () => 'x');
      const source = Readable.from(pieces, { objectMode: false });
      const gathered = gather(3, 0, source);
      await new Promise((resolve) => source.once('pause', resolve));
      expect(writes.calls.map(({ buffers }) => buffers.length)).toEqual([1]);
      writes.last.finish();
      expect(writes.last.buffers).toHaveLength(1_024);
      await new Promise((resolve) => source.once('end', resolve));
      writes.last.finish();
      expect(writes.last.buffers).toHaveLength(976);
      writes.last.finish();
      expect(await gathered).toMatchObject({ bytes: 2_001, ended: true });
    });

    it('tells why a write failed, and how much is written', async () => {
      const writes = new HeldWrites();
      const source = new PassThrough();
      const gathered = gather(3, 0, source);
      source.write('abc');
      await new Promise((resolve) => setImmediate(resolve));
      writes.last.finish();
      source.write('def');
      await new Promise((resolve) => setImmediate(resolve));
      const failure = new Error('ENOSPC');
      writes.last.done(failure, 0);
      expect(await gathered).toEqual({ bytes: 3, ended: false, failure });
      source.destroy(new Error('later, and nobody listens'));
    });

    it('waits for the write under way before it says that the lock is lost', async () => {
      const writes = new HeldWrites();
      const loss = new AbortController();
      const source = new PassThrough();
      let isOver = false;
      const gathered = gather(3, 0, source, loss.signal).finally(() => (isOver = true));
      source.write('abc');
      source.write('def');
      await new Promise((resolve) => setImmediate(resolve));
      loss.abort();
      await new Promise((resolve) => setImmediate(resolve));
      expect(isOver).toBe(false);
      writes.last.finish();
      await expect(gathered).rejects.toMatchObject({ code: 'ERR_LOCK_LOST' });
      expect(writes.calls).toHaveLength(1);
    });
  });

  describe('with a file', () => {
    const folder = temporaryFolder();
    const gatherInto = async (source: Readable, signal?: AbortSignal) => {
      const fd = fs.openSync(folder.file('data'), 'w');
      try {
        return {
          ...(await gather(fd, 0, source, signal)),
          content: fs.readFileSync(folder.file('data'), 'utf8'),
        };
      } finally {
        fs.closeSync(fd);
      }
    };

    it('takes nothing of a source that was destroyed or had ended before', async () => {
      const destroyed = new PassThrough();
      destroyed.destroy();
      expect(await gatherInto(destroyed)).toMatchObject({ bytes: 0, ended: false });
      const over = Readable.from(['x']);
      over.resume();
      await new Promise((resolve) => over.once('end', resolve));
      expect(await gatherInto(over)).toMatchObject({ bytes: 0, ended: true });
    });

    it('takes a source that was paused before', async () => {
      const source = new PassThrough();
      source.pause();
      source.end('abc');
      expect(await gatherInto(source)).toMatchObject({ bytes: 3, ended: true, content: 'abc' });
    });

    it('writes text of an object stream as UTF-8', async () => {
      expect(await gatherInto(Readable.from(['ä', '🌍']))).toMatchObject({ bytes: 6, content: 'ä🌍' });
    });

    it('writes nothing when the lock is lost already', async () => {
      const gathered = gatherInto(Readable.from(['abc']), AbortSignal.abort());
      await expect(gathered).rejects.toMatchObject({ code: 'ERR_LOCK_LOST' });
      expect(fs.readFileSync(folder.file('data'), 'utf8')).toBe('');
    });
  });
});
