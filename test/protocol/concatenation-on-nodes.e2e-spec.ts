import type { HookEvent } from '@nestjs-tus/core';
import { eventually } from '../harness/eventually.js';
import { newBackend } from '../harness/backend.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { idOf, on, openPatch } from '../harness/open-patch.js';
import { create, createUpload, download, head, locationOf, patch } from '../harness/tus-requests.js';

const PARTIAL = { 'Upload-Concat': 'partial' };
const FINALS = 20;

let nodes: readonly [InProcessServer, InProcessServer];

/** Two engines that know nothing of each other but what store and locker say. */
beforeAll(async () => {
  const backend = newBackend();
  nodes = [await startInProcess({ backend }), await startInProcess({ backend: backend.peer() })];
});

const createFinal = async (node: InProcessServer, ...parts: string[]) => {
  const concat = `final;${parts.map((part) => on(node.url, part)).join(' ')}`;
  return locationOf(node.url, await create(node.url, { 'Upload-Concat': concat }));
};

const completions = (url: string) =>
  nodes
    .flatMap(({ events }) => events)
    .filter(({ name, event }) => name === 'completed' && event.upload.id === idOf(url));

/** What a GET gives in the end. It joins nothing, as a HEAD would. */
const joined = (url: string) =>
  eventually('the final upload is joined', async () => {
    const reply = await download(url);
    return reply.status === 200 ? reply.text : undefined;
  });

describe('a final upload on one node, of partial ones on another', () => {
  it('is joined when the one ends that was being received while it was created', async () => {
    const [here, there] = nodes;
    const part = await createUpload(there.url, 10, PARTIAL);
    const socket = await openPatch(part, { offset: 0, length: 10 });
    await socket.send('hello');
    await eventually('bytes are received', () => there.progress(part) === 5);
    const url = await createFinal(here, part, part);
    await socket.send('world');
    expect((await socket.response()).status).toBe(204);
    expect(await joined(url)).toBe('helloworldhelloworld');
    expect(completions(url)).toHaveLength(1);
  });

  it('is joined when its last two end at the same moment, each on its node', async () => {
    for (let round = 0; round < FINALS; round += 1) {
      const parts = await Promise.all(nodes.map((node) => createUpload(node.url, 5, PARTIAL)));
      const url = await createFinal(nodes[round % 2]!, ...parts);
      const replies = await Promise.all(
        parts.map((part, index) => patch(part, 0, index === 0 ? 'hello' : 'world')),
      );
      expect(replies.map(({ status }) => status)).toEqual([204, 204]);
      expect(await joined(url)).toBe('helloworld');
      expect(completions(url)).toHaveLength(1);
    }
  });

  it('is joined though the lock of a partial one is held for a moment when the last one ends', async () => {
    const [here, there] = nodes;
    const parts = await Promise.all(nodes.map((node) => createUpload(node.url, 5, PARTIAL)));
    const url = await createFinal(here, ...parts);
    expect((await patch(parts[0]!, 0, 'hello')).status).toBe(204);
    // As a HEAD does.
    const lock = here.locker.newLock(idOf(parts[0]!));
    await lock.lock(new AbortController().signal, () => undefined);
    expect((await patch(on(there.url, parts[1]!), 0, 'world')).status).toBe(204);
    expect((await download(url)).status).toBe(400);
    await lock.unlock();
    expect(await joined(url)).toBe('helloworld');
    expect(completions(url)).toHaveLength(1);
  });

  it('is joined at once where that is possible: whoever ends the last partial one has nothing to wait for', async () => {
    const [here, there] = nodes;
    const part = await createUpload(there.url, 5, PARTIAL);
    const url = await createFinal(here, part);
    expect((await patch(part, 0, 'hello')).status).toBe(204);
    expect((await download(url)).text).toBe('hello');
  });

  it('is left to its client where a hook may refuse it, which needs a request', async () => {
    const backend = newBackend();
    const asked: string[] = [];
    const hooks = { preFinishResponseCallback: ({ upload }: HookEvent) => void asked.push(upload.id) };
    const [one, two] = [
      await startInProcess({ backend, ...hooks }),
      await startInProcess({ backend: backend.peer(), ...hooks }),
    ];
    const part = await createUpload(two.url, 5, PARTIAL);
    const socket = await openPatch(part, { offset: 0, length: 5 });
    await socket.send('hel');
    await eventually('bytes are received', () => two.progress(part) === 3);
    const url = await createFinal(one, part);
    await socket.send('lo');
    expect((await socket.response()).status).toBe(204);
    expect(asked).not.toContain(idOf(url));
    expect((await head(url)).headers['upload-offset']).toBe('5');
    expect(asked.filter((id) => id === idOf(url))).toHaveLength(1);
  });
});
