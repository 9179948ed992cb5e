import { startInProcess } from '../harness/in-process-server.js';
import { createUpload, head, patch } from '../harness/tus-requests.js';
import { Ceph } from './ceph.js';
import { MIB, Node } from './s3-fixture.js';
import { randomContent } from '../harness/random-content.js';

const HOUR = 3_600_000;

let ceph: Ceph;
let node: Node;
let server: Awaited<ReturnType<typeof startInProcess>>;
beforeAll(async () => {
  ceph = await Ceph.start();
  node = new Node(ceph, { bucket: await ceph.newBucket() });
  const expiration = { after: HOUR, sweepInterval: 0 };
  server = await startInProcess({ store: node.store, expiration });
});
afterAll(() => ceph.stop());

describe('an expiry that slides with activity', () => {
  const expiryOf = async (url: string) => Date.parse(String((await head(url)).headers['upload-expires']));

  it.each([
    ['a part', 5 * MIB, ['UploadPart', 'PutObject']],
    ['a tail', 1_000, ['PutObject', 'PutObject']],
  ])('costs no call beside the commit of %s', async (_, size, calls) => {
    const url = await createUpload(server.url, 100 * MIB);
    await patch(url, 0, randomContent('first', 5 * MIB));
    node.takeCalls();
    const before = Date.now();
    const reply = await patch(url, 5 * MIB, randomContent('second', size));
    expect(node.takeCalls()).toEqual(calls);
    const expires = Date.parse(String(reply.headers['upload-expires']));
    // The header has whole seconds.
    expect(expires).toBeGreaterThanOrEqual(before + HOUR - 1_000);
    expect(await expiryOf(url)).toBe(expires);
    expect(node.takeCalls()).toEqual([]);
    const stored = (await server.uploads()).find(({ id }) => url.endsWith(id));
    expect(stored?.expiresAt?.getTime()).toBeGreaterThanOrEqual(before + HOUR);
  });

  it('costs the commit alone when nothing came', async () => {
    const url = await createUpload(server.url, 100 * MIB);
    await patch(url, 0, randomContent('first', 1_000));
    node.takeCalls();
    expect((await patch(url, 1_000, '')).status).toBe(204);
    expect(node.takeCalls()).toEqual(['PutObject']);
  });
});
