import type { S3StoreOptions } from '@nestjs-tus/s3-store';
import { Ceph } from './ceph.js';
import { type FaultProxy, startFaultProxy } from './s3-fault-proxy.js';
import { type S3Server, startTwo } from './s3-server-in-process.js';

/** Starts a Ceph for the tests of a file, and a proxy in front of it, which each test may tell to fail. */
export function cephBehindProxy(): CephBehindProxy {
  const s3 = new CephBehindProxy();
  beforeAll(() => s3.start());
  afterAll(() => s3.stop());
  beforeEach(() => s3.proxy.leaveAlone());
  return s3;
}

export class CephBehindProxy {
  private started: { readonly ceph: Ceph; readonly proxy: FaultProxy } | undefined;

  async start(): Promise<void> {
    const ceph = await Ceph.start();
    this.started = { ceph, proxy: await startFaultProxy(ceph.endpoint) };
  }

  async stop(): Promise<void> {
    await this.started?.ceph.stop();
  }

  get ceph(): Ceph {
    return this.running.ceph;
  }

  get proxy(): FaultProxy {
    return this.running.proxy;
  }

  /** Two servers that reach Ceph through the proxy. */
  startTwo(
    options?: Partial<S3StoreOptions>,
    expireAfter?: number,
  ): Promise<{ bucket: string; one: S3Server; other: S3Server }> {
    return startTwo(this.ceph, this.proxy.endpoint, options, expireAfter);
  }

  private get running(): { readonly ceph: Ceph; readonly proxy: FaultProxy } {
    if (!this.started) throw new Error('Ceph has not started');
    return this.started;
  }
}
