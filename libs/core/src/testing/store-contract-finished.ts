import assert from 'node:assert/strict';
import { ErrContentGone, ErrUploadDamaged, hasCode } from '../errors.js';
import { type FileInfo, stateOf } from '../file-info.js';
import type { DataStore, ListerDataStore, OpenContent, TerminaterDataStore } from '../store/data-store.js';
import { runner } from './runner.js';
import { contentOf, created, refusedWith, sourceOf } from './store-contract-steps.js';

/** Changes the content of an upload behind the store's back, as an application does; undefined removes it. */
export type ChangeContent = (id: string, content: string | undefined) => Promise<void>;

/** What is finished stays finished, whatever the application does with its content. */
export function describeFinished(store: () => DataStore, change: () => ChangeContent | undefined): void {
  const { describe, it } = runner();

  const finished = async (content: string, fields: Partial<FileInfo> = {}) => {
    const { id, upload } = await created(store(), content, fields);
    await upload.finishUpload({});
    return id;
  };
  const infoOf = async (id: string) => (await store().getUpload(id, {})).getInfo({});
  const opened = async (id: string): Promise<OpenContent | undefined> =>
    (await store().getUpload(id, {})).openContent?.({});

  describe('finished uploads', () => {
    it('say so after finishUpload, and it may be called again', async () => {
      const id = await finished('hello', { expiresAt: new Date(1_000) });
      await (await store().getUpload(id, {})).finishUpload({});
      const info = await infoOf(id);
      assert.deepEqual([stateOf(info), info.offset, info.size], ['finished', 5, 5]);
    });

    it('are open for reading, whole and in part', async () => {
      const id = await finished('hello world');
      const whole = await opened(id);
      if (!whole) return;
      assert.equal(whole.size, 11);
      assert.equal(await textOf(whole), 'hello world');
      const part = await opened(id);
      assert.equal(part && (await textOf(part, 6, 8)), 'wor');
      const unread = await opened(id);
      await unread?.close();
    });

    for (const [how, content] of [
      ['made smaller', 'ab'],
      ['made larger', 'abcdefgh'],
      ['changed', 'HELLO'],
      ['emptied', ''],
    ] as const) {
      it(`stay finished when their content is ${how}, and show what is there`, async () => {
        const changeContent = change();
        if (!changeContent) return;
        const id = await finished('hello');
        const before = await opened(id);
        await before?.close();
        await changeContent(id, content);
        const info = await infoOf(id);
        assert.deepEqual([stateOf(info), info.offset, info.size], ['finished', 5, 5]);
        const now = await opened(id);
        assert.ok(now && before, 'a store whose content can change opens it');
        assert.equal(now.size, content.length);
        assert.notDeepEqual([now.size, now.version], [before.size, before.version]);
        if (content === '') await now.close();
        else assert.equal(await textOf(now), content);
      });
    }

    it('are not written any more', async () => {
      const changeContent = change();
      if (!changeContent) return;
      const id = await finished('hello');
      await changeContent(id, 'he');
      for (const offset of [0, 2, 5]) {
        const upload = await store().getUpload(id, {});
        await assert.rejects(upload.writeChunk(offset, sourceOf('xyz'), {}));
      }
      assert.equal(await contentOf(await store().getUpload(id, {})), 'he');
    });

    it('stay finished when their content is removed, are listed, and can be terminated', async () => {
      const changeContent = change();
      if (!changeContent) return;
      const id = await finished('hello');
      await changeContent(id, undefined);
      assert.equal(stateOf(await infoOf(id)), 'finished');
      await refusedWith(ErrContentGone, opened(id));
      const lister = store() as DataStore & Partial<ListerDataStore>;
      const page = await lister.list?.({ state: 'finished' });
      assert.deepEqual(page?.uploads.map((info) => info.id) ?? [id], [id]);
      const terminater = store() as DataStore & Partial<TerminaterDataStore>;
      await terminater.asTerminatableUpload?.(await store().getUpload(id, {})).terminate({});
      await assert.rejects(store().getUpload(id, {}));
    });
  });

  describe('an unfinished upload whose content was made longer than its length', () => {
    it('never has an offset beyond its length', async () => {
      const changeContent = change();
      if (!changeContent) return;
      const { id } = await created(store(), 'hello', { size: 10 });
      await changeContent(id, 'hello, and what was never sent');
      const offset = await infoOf(id).then(
        (info) => info.offset,
        (error: unknown) => (hasCode(error, ErrUploadDamaged) ? 'damaged' : error),
      );
      // Bytes that the store does not know of do not count, or spoil those that do.
      assert.ok(offset === 'damaged' || offset === 5, String(offset));
    });
  });
}

async function textOf(content: OpenContent, start?: number, end?: number): Promise<string> {
  const range = start === undefined || end === undefined ? undefined : { start, end };
  const pieces: Buffer[] = [];
  for await (const piece of await content.read(range)) pieces.push(Buffer.from(piece as Buffer));
  return Buffer.concat(pieces).toString();
}
