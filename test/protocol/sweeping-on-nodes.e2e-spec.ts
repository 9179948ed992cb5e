import { newBackend } from '../harness/backend.js';
import { useStoppedClock } from '../harness/clock.js';
import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { idOf, openPatch } from '../harness/open-patch.js';
import { createUpload, download, head, storeUpload } from '../harness/tus-requests.js';

const AFTER_MS = 60_000;
const UPLOADS = 20;

const clock = useStoppedClock();
let nodes: InProcessServer[];

beforeAll(async () => {
  const backend = newBackend();
  const expiration = { after: AFTER_MS, sweepInterval: 0 };
  nodes = await Promise.all(
    [backend, backend.peer(), backend.peer()].map((each) => startInProcess({ backend: each, expiration })),
  );
});

it('several nodes that sweep at the same moment remove each expired upload once, and none that is in use', async () => {
  const [here, there] = nodes as [InProcessServer, InProcessServer];
  const expired = await Promise.all(Array.from({ length: UPLOADS }, () => createUpload(here.url, 5)));
  const finished = await storeUpload(here.url, 'finished');
  const used = await createUpload(there.url, 10);
  const socket = await openPatch(used, { offset: 0, length: 10 });
  await socket.send('hello');
  await eventually('bytes are received', () => there.progress(used) === 5);
  clock.pass(AFTER_MS + 1_000);

  const removed = await Promise.all(nodes.map(({ handler }) => handler.sweep()));
  expect(removed.reduce((sum, count) => sum + count, 0)).toBe(UPLOADS);
  const events = nodes.flatMap((node) => node.events).filter(({ name }) => name === 'expired');
  expect(events.map(({ event }) => event.upload.id).sort()).toEqual(expired.map(idOf).sort());
  expect(nodes.flatMap(({ complaints }) => complaints)).toEqual([]);
  for (const url of expired) expect((await head(url)).status).toBe(404);

  await socket.send('world');
  expect((await socket.response()).status).toBe(204);
  expect((await download(used)).text).toBe('helloworld');
  expect((await download(finished)).text).toBe('finished');
});
