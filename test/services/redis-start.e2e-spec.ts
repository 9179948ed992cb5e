import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ErrStorageUnavailable } from '@nestjs-tus/core';
import { eventually } from '../harness/eventually.js';
import { runServer, startServer } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { createUpload, head, patch } from '../harness/tus-requests.js';
import { held, heldAgain, nobody, openLocker } from './redis-lockers.js';
import { type RedisServers, startRedis } from './redis-servers.js';

const README = join(import.meta.dirname, '../../libs/redis-locker/README.md');
const run = promisify(execFile);

let redis: RedisServers;
let rights: string[];

beforeAll(async () => {
  redis = await startRedis('single');
  const [, line = ''] = /^ *`(~tus:\*.*)`$/m.exec(await readFile(README, 'utf8')) ?? [];
  rights = line.split(' ');
  expect(rights.length).toBeGreaterThan(10);
});

const urlFor = (login: string, database = '') => `redis://${login}@127.0.0.1:${redis.port}${database}`;
const newUser = (name: string, ...rules: string[]) =>
  redis.ask(['ACL', 'SETUSER', name, 'on', '>pw', ...rules]);

/** The end of a server that cannot work. */
async function endOf(redisUrl: string) {
  const server = runServer([
    '--port',
    '0',
    '--upload-dir',
    await temporaryFolder(),
    '--locker',
    'redis',
    '--redis-url',
    redisUrl,
  ]);
  const { code } = await server.exited;
  return { code, stderr: server.stderr() };
}

describe('a server that Redis refuses', () => {
  it.each([
    [
      'a user that is not there',
      () => urlFor('nobody:secret'),
      /another login: check user and password.*WRONGPASS/,
    ],
    [
      'a database that is not there',
      () => urlFor('', '/99').replace('@', ''),
      /does not have this database.*out of range/,
    ],
    [
      'a user who may not run scripts',
      () => urlFor('silent:pw'),
      /does not let this user.*README.*NOPERM.*eval/,
    ],
    [
      'a user who may not use the keys',
      () => urlFor('elsewhere:pw'),
      /does not let this user.*README.*NOPERM.*keys/,
    ],
    [
      'a user who may not use the channels',
      () => urlFor('deaf:pw'),
      /does not let this user.*README.*NOPERM.*channels/,
    ],
    ['a user who may not publish', () => urlFor('mute:pw'), /does not let this user.*README.*script/],
  ])('ends with one line that says what to change: %s', async (_what, url, text) => {
    await newUser('silent', ...rights, '-eval', '-evalsha');
    await newUser('elsewhere', ...rights, 'resetkeys', '~other:*');
    await newUser('deaf', ...rights, 'resetchannels', '&other:*');
    await newUser('mute', ...rights, '-publish');
    const { code, stderr } = await endOf(url());
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(text);
    expect(stderr).not.toMatch(/secret/);
  });

  it('ends when it belongs to a cluster, of which one server is not enough', async () => {
    const cluster = await startRedis('cluster');
    const { code, stderr } = await endOf(`redis://127.0.0.1:${cluster.port}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/is a node of a cluster: use the option "cluster"/);
  });
});

describe('a server', () => {
  const startWith = (redisUrl: string, environment: Record<string, string> = {}) =>
    startServer({ flags: ['--locker', 'redis', '--redis-url', redisUrl], environment });

  it('needs no other rights than those that README lists', async () => {
    await newUser('minimal', ...rights);
    const url = urlFor('minimal:pw', '/3');
    const server = await startWith(url);
    const upload = await createUpload(server.url, 5);
    expect((await patch(upload, 0, 'hello')).status).toBe(204);
    const [one, other] = [openLocker({ url }), openLocker({ url })];
    const lock = await held(one, 'upload');
    const waiting = held(other, 'upload');
    expect(await lock.isHeld!()).toBe(true);
    await lock.unlock();
    await (await waiting).unlock();
  });

  it('reaches Redis by TLS, and says why when it does not trust it', async () => {
    const folder = await temporaryFolder();
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    await run('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-keyout', key, '-out', certificate],
    ]);
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate];
    // One above the plain port, which the script asks.
    const secure = await startRedis('single', [...files, '--tls-auth-clients', 'no']);
    const port = secure.port + 1;
    await secure.ask(['CONFIG', 'SET', 'tls-port', String(port)]);
    const url = `rediss://127.0.0.1:${port}`;

    const trusting = await startWith(url, { NODE_EXTRA_CA_CERTS: certificate });
    const upload = await createUpload(trusting.url, 5);
    expect((await patch(upload, 0, 'hello')).status).toBe(204);
    expect(Number(await secure.ask(['DBSIZE']))).toBeGreaterThan(0);

    const doubting = await startWith(url);
    expect((await head(await createUpload(doubting.url, 5))).status).toBe(423);
    expect(doubting.stdout() + doubting.stderr()).toMatch(/does not answer.*self.signed certificate/);
  });

  it('says so when it loses its rights while it runs, refuses as what passes, and goes on when it has them again', async () => {
    await newUser('changing', ...rights);
    const server = await startWith(urlFor('changing:pw'));
    const upload = await createUpload(server.url, 5);
    expect((await head(upload)).status).toBe(200);
    await newUser('changing', '-evalsha');
    expect((await head(upload)).status).toBe(423);
    expect((await patch(upload, 0, 'hello')).status).toBe(503);
    const output = () => server.stdout() + server.stderr();
    expect(output()).toMatch(/Redis refuses commands; uploads are refused until it takes them \(NOPERM/);
    await newUser('changing', ...rights);
    await eventually('HEAD is 200', async () => (await head(upload)).status === 200);
    expect(output()).toMatch(/Redis answers again/);
  });
});

describe('RedisLocker on a Redis', () => {
  it('that has no memory left keeps what is held, takes nothing new, and goes on when there is some', async () => {
    const [locker, other] = [openLocker(redis.options), openLocker(redis.options)];
    const lock = await held(locker, 'full');
    await redis.ask(['CONFIG', 'SET', 'maxmemory', '1']);
    try {
      const refused = expect.objectContaining({ code: ErrStorageUnavailable.code });
      await expect(other.newLock('new').tryLock()).rejects.toEqual(refused);
      await expect(other.newLock('full').lock(AbortSignal.timeout(5_000), nobody)).rejects.toEqual(refused);
      expect(await lock.isHeld!()).toBe(true);
      await lock.unlock();
      expect(await redis.ask(['EXISTS', 'tus:lock:{full}'])).toBe(0);
    } finally {
      await redis.ask(['CONFIG', 'SET', 'maxmemory', '0']);
    }
    const next = await heldAgain(other, 'full');
    expect(next.previousToken).toBe(lock.token);
    await next.unlock();
  });

  it('whose clock was set back gives tokens that ascend all the same', async () => {
    const locker = openLocker(redis.options);
    await (await held(locker, 'clock')).unlock();
    // As it is after the clock was a year ahead.
    const ahead = `${(Date.now() + 365 * 86_400_000) * 1_000}-0123456789abcdef`;
    await redis.ask(['HSET', 'tus:last:{clock}', 'token', ahead]);
    const lock = await held(locker, 'clock');
    expect(lock.previousToken).toBe(ahead);
    expect(lock.token! > ahead).toBe(true);
    await lock.unlock();
    // Another locker, which has not seen that, on an upload of which nothing is remembered: the clock alone.
    await redis.ask(['DEL', 'tus:last:{clock}']);
    const later = await held(locker, 'clock');
    expect(later.token! > lock.token!).toBe(true);
    await later.unlock();
  });
});
