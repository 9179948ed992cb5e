import { runServer } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';

/** Nothing listens there: a connection is refused at once. */
const NOWHERE = '127.0.0.1:1';
/** Without them the AWS SDK looks for some in the network. */
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };

/** What Node writes by itself: `(node:123) ExperimentalWarning: …`, `(node:123) [DEP0001] DeprecationWarning: …`. */
const WARNING = /\(node:\d+\)|Warning:/;

describe('the server writes no warning of Node or of a package', () => {
  it.each([
    ['with files', []],
    ['with memory', ['--store', 'memory']],
    ['with a locker of files', ['--locker', 'file']],
    ['with workers', ['--workers', '2', '--locker', 'file']],
    ['with the draft and metrics', ['--enable-experimental-protocol', '--expose-metrics']],
  ])('%s', async (_, flags) => {
    const uploadDir = await temporaryFolder();
    const args = ['--host', '127.0.0.1', '--port', '0', '--upload-dir', uploadDir, ...flags];
    const server = runServer(args);
    await server.ready;
    expect(await server.stop()).toMatchObject({ code: 0 });
    expect(server.stdout() + server.stderr()).not.toMatch(WARNING);
  });

  it('before it says that a bucket is not reached', async () => {
    const s3 = ['--store', 's3', '--s3-bucket', 'uploads', '--s3-endpoint', `http://${NOWHERE}`];
    const server = runServer(['--host', '127.0.0.1', '--port', '0', ...s3], CREDENTIALS);
    expect(await server.exited).toMatchObject({ code: 1 });
    expect(server.stderr()).toContain(`S3Store cannot use http://${NOWHERE}`);
    expect(server.stderr()).not.toMatch(WARNING);
  });
});
