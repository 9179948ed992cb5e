import { temporaryFolder } from '../harness/temporary-folder.js';
import { startChild } from './apps/child-app.js';
import { idOf, upload } from './apps/http-client.js';

const APP = 'after-upload.fixture.mjs';
const calls = (output: string, id: string) => output.split(`called for ${id}\n`).length - 1;

describe('SIGKILL between the last byte and the end of postFinish', () => {
  it('the hook is called after the restart, once, and never again when it has resolved', async () => {
    const folder = await temporaryFolder();
    const killed = await startChild(APP, folder, 'hangs');
    const id = idOf(await upload(`${killed.url}/files`, 'hello'));
    await killed.said(`called for ${id}`);
    expect(await killed.end('SIGKILL')).toBeNull();

    const second = await startChild(APP, folder, 'ends');
    await second.said(`called for ${id}`);
    // A hook that runs is waited for, and its mark is removed.
    expect(await second.end('SIGTERM')).toBe(0);
    expect(calls(second.stdout(), id)).toBe(1);

    const third = await startChild(APP, folder, 'ends');
    const next = idOf(await upload(`${third.url}/files`, 'next'));
    await third.said(`called for ${next}`);
    await third.end('SIGTERM');
    expect(calls(third.stdout(), id)).toBe(0);
  }, 60_000);

  it('right after the answer, again and again: each upload is told', async () => {
    const folder = await temporaryFolder();
    const ids: string[] = [];
    let heard = '';
    for (let round = 0; round < 4; round++) {
      const app = await startChild(APP, folder, 'ends');
      for (let count = 0; count < 3; count++) ids.push(idOf(await upload(`${app.url}/files`, 'hello')));
      await app.end('SIGKILL');
      heard += app.stdout();
    }
    const last = await startChild(APP, folder, 'ends');
    const unheard = ids.filter((id) => calls(heard, id) === 0);
    for (const id of unheard) await last.said(`called for ${id}`);
    await last.end('SIGTERM');
    expect(ids.every((id) => calls(heard + last.stdout(), id) >= 1)).toBe(true);
  }, 60_000);

  it('of two processes that start on one folder, one calls the hook', async () => {
    const folder = await temporaryFolder();
    const killed = await startChild(APP, folder, 'hangs');
    const id = idOf(await upload(`${killed.url}/files`, 'hello'));
    await killed.said(`called for ${id}`);
    await killed.end('SIGKILL');

    const holder = await startChild(APP, folder, 'hangs');
    await holder.said(`called for ${id}`);
    const other = await startChild(APP, folder, 'ends');
    const next = idOf(await upload(`${other.url}/files`, 'next'));
    await other.said(`called for ${next}`);
    expect(calls(other.stdout(), id)).toBe(0);
    await holder.end('SIGKILL');
    // Whoever found the upload taken comes back for it.
    await other.said(`called for ${id}`);
    await other.end('SIGTERM');
  }, 60_000);
});
