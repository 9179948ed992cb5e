import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';

const script = join(import.meta.dirname, 'ceph-rgw.sh');
const run = promisify(execFile);

/** A Ceph cluster of one, with its S3 gateway; see ceph-rgw.sh. */
export class Ceph {
  static async start(): Promise<Ceph> {
    const [port, monitorPort] = await Promise.all([freePort(), freePort()]);
    const folder = await mkdtemp(join(tmpdir(), 'ceph-'));
    const ceph = new Ceph(folder, port, {
      RGW_DIR: folder,
      RGW_PORT: String(port),
      RGW_MON_PORT: String(monitorPort),
    });
    try {
      await ceph.script('start');
      // The first bucket makes pools, which takes longer than any test should wait.
      await ceph.newBucket();
      return ceph;
    } catch (error) {
      await ceph.stop();
      throw error;
    }
  }

  readonly client: S3Client;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly env: Record<string, string>,
  ) {
    this.client = new S3Client(this.clientConfig());
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** For a process that uses this gateway. */
  environment(): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: 'testaccesskey',
      AWS_SECRET_ACCESS_KEY: 'testsecretkey',
      AWS_REGION: 'us-east-1',
    };
  }

  /** For a client of this gateway. */
  clientConfig(): S3ClientConfig {
    return {
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'testaccesskey', secretAccessKey: 'testsecretkey' },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    };
  }

  /** @returns its name */
  async newBucket(): Promise<string> {
    const name = `test-${randomBytes(6).toString('hex')}`;
    await this.client.send(new CreateBucketCommand({ Bucket: name }));
    return name;
  }

  /** Every key of a bucket. */
  async keys(bucket: string): Promise<string[]> {
    const { Contents = [] } = await this.client.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map(({ Key = '' }) => Key);
  }

  /** The ids of the multipart uploads that are open in a bucket. */
  async openMultiparts(bucket: string): Promise<string[]> {
    const { Uploads = [] } = await this.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return Uploads.map(({ UploadId = '' }) => UploadId);
  }

  /** Sends a signal to the gateway. */
  async signalGateway(signal: NodeJS.Signals): Promise<void> {
    const pid = await readFile(join(this.folder, 'run/client.rgw.pid'), 'utf8');
    process.kill(Number(pid), signal);
  }

  /** Starts the gateway again after it was killed. */
  async startGateway(): Promise<void> {
    await this.script('gateway');
  }

  /** Runs radosgw-admin, e.g. to set a quota. */
  async admin(...args: string[]): Promise<void> {
    await run('radosgw-admin', ['--conf', join(this.folder, 'ceph.conf'), '--name', 'client.rgw', ...args]);
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.script('stop');
  }

  /** The daemons keep what they inherit: with pipes for their output this would wait for their end. */
  private script(command: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn(script, [command], {
        env: { ...process.env, ...this.env },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      child.once('error', reject);
      child.once('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`ceph-rgw.sh ${command} ended with ${code}`)),
      );
    });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
