import type { S3Client } from '@aws-sdk/client-s3';
import { Ceph } from './ceph.js';
import { Node } from './s3-fixture.js';

/** Starts a Ceph for the tests of a file, with a new bucket for each of them. */
export function bucketForEachTest(): BucketOfTest {
  const bucket = new BucketOfTest();
  beforeAll(() => bucket.start());
  afterAll(() => bucket.stop());
  beforeEach(() => bucket.renew());
  return bucket;
}

/** The bucket of the test that runs. */
export class BucketOfTest {
  private ceph: Ceph | undefined;
  private current = '';

  async start(): Promise<void> {
    this.ceph = await Ceph.start();
  }

  async stop(): Promise<void> {
    await this.ceph?.stop();
  }

  async renew(): Promise<void> {
    this.current = await this.running.newBucket();
  }

  get name(): string {
    return this.current;
  }

  /** For calls beside the store's. */
  get client(): S3Client {
    return this.running.client;
  }

  /** A node whose uploads are in this bucket. */
  newNode(options: Partial<ConstructorParameters<typeof Node>[1]> = {}): Node {
    return new Node(this.running, { bucket: this.current, ...options });
  }

  keys(): Promise<string[]> {
    return this.running.keys(this.current);
  }

  openMultiparts(): Promise<string[]> {
    return this.running.openMultiparts(this.current);
  }

  private get running(): Ceph {
    if (!this.ceph) throw new Error('Ceph has not started');
    return this.ceph;
  }
}
