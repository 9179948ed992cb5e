import { join } from 'node:path';
import { idOf } from '../harness/open-patch.js';
import { storeUpload } from '../harness/tus-requests.js';
import { type ChildApp, startProcess } from '../nest/apps/child-app.js';
import { Ceph } from './ceph.js';
import { type RedisServers, startRedis } from './redis-servers.js';

const APP = join(import.meta.dirname, 'after-upload-on-s3.fixture.mjs');
const calls = (apps: readonly ChildApp[], id: string) =>
  apps.reduce((sum, app) => sum + app.stdout().split(`called for ${id}\n`).length - 1, 0);

let ceph: Ceph;
let redis: RedisServers;
beforeAll(async () => {
  [ceph, redis] = await Promise.all([Ceph.start(), startRedis('single')]);
});
afterAll(() => ceph.stop());

/** Starts nodes on a bucket of their own. */
async function nodesOf(): Promise<(job: 'ends' | 'hangs') => Promise<ChildApp>> {
  const bucket = await ceph.newBucket();
  return (job) =>
    startProcess([APP, bucket, ceph.endpoint, String(redis.options.url), job], {
      env: { ...process.env, ...ceph.environment() },
    });
}

const upload = async (app: ChildApp) => idOf(await storeUpload(`${app.url}/files/`, 'hello'));

describe('postFinish on several nodes', () => {
  it('is called once for each upload, by the node that finished it', async () => {
    const start = await nodesOf();
    const apps = await Promise.all([start('ends'), start('ends'), start('ends')]);
    const ids = await Promise.all(Array.from({ length: 12 }, (_, index) => upload(apps[index % 3]!)));
    for (const [index, id] of ids.entries()) await apps[index % 3]!.said(`called for ${id}`);
    // One that starts later finds nothing to tell: what is told is done before its own upload is.
    const late = await start('ends');
    await late.said(`called for ${await upload(late)}`);
    for (const id of ids) expect(calls([...apps, late], id)).toBe(1);
    for (const app of [...apps, late]) expect(await app.end('SIGTERM')).toBe(0);
  });

  it('is done by the node that starts in place of one that was killed in the middle, once its claim is over', async () => {
    const start = await nodesOf();
    const [killed, other] = await Promise.all([start('hangs'), start('ends')]);
    const id = await upload(killed);
    await killed.said(`called for ${id}`);
    await killed.end('SIGKILL');
    const next = await start('ends');
    await next.said(`called for ${id}`);
    expect(await next.end('SIGTERM')).toBe(0);
    const last = await start('ends');
    await last.said(`called for ${await upload(last)}`);
    expect(calls([killed], id)).toBe(1);
    expect(calls([other, next, last], id)).toBe(1);
  });

  it('is called for everything that nodes were killed over, right after their answers', async () => {
    const start = await nodesOf();
    const ids: string[] = [];
    const apps: ChildApp[] = [];
    for (let round = 0; round < 3; round += 1) {
      const app = await start('ends');
      apps.push(app);
      for (let count = 0; count < 3; count += 1) ids.push(await upload(app));
      await app.end('SIGKILL');
    }
    const last = await start('ends');
    for (const id of ids.filter((each) => calls(apps, each) === 0)) await last.said(`called for ${id}`);
    await last.end('SIGTERM');
    for (const id of ids) expect(calls([...apps, last], id)).toBeGreaterThanOrEqual(1);
  });
});
