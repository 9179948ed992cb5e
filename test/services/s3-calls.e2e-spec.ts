import { Ceph } from './ceph.js';
import { contentOf, MIB, Node, Operations } from './s3-fixture.js';
import { randomContent } from '../harness/random-content.js';

describe('S3 calls of each request', () => {
  let ceph: Ceph;
  let bucket: string;
  beforeAll(async () => {
    ceph = await Ceph.start();
    bucket = await ceph.newBucket();
  });
  afterAll(() => ceph.stop());

  /** A node that has made its calls for the start. */
  const startedNode = async () => {
    const node = new Node(ceph, { bucket });
    await node.store.init();
    node.takeCalls();
    return node;
  };

  it('stores an upload that comes in one request as the object and its record', async () => {
    const node = await startedNode();
    const content = randomContent('calls', 100_000);
    const id = await new Operations().createWith(node, content);
    expect(node.takeCalls()).toEqual(['PutObject', 'PutObject']);
    expect((await contentOf(node, id)).equals(content)).toBe(true);
    expect(node.takeCalls()).toEqual(['GetObject', 'GetObject']);
  });

  it('creates an upload by its record', async () => {
    const node = await startedNode();
    await new Operations().create(node, { size: 100 * MIB });
    expect(node.takeCalls()).toEqual(['PutObject']);
  });

  it('appends on a warm node by its parts and one commit, and lists nothing', async () => {
    const node = await startedNode();
    const operations = new Operations();
    const content = randomContent('calls', 40 * MIB);
    const id = await operations.create(node, { size: content.length });
    await operations.append(node, id, 0, content.subarray(0, 10 * MIB));
    node.takeCalls();
    await operations.append(node, id, 10 * MIB, content.subarray(10 * MIB, 30 * MIB));
    expect(node.takeCalls().sort()).toEqual(['PutObject', ...Array<string>(4).fill('UploadPart')]);
    await operations.append(node, id, 30 * MIB, content.subarray(30 * MIB));
    expect(node.takeCalls()).toEqual([
      'UploadPart',
      'UploadPart',
      'PutObject',
      'CompleteMultipartUpload',
      'PutObject',
    ]);
    expect((await contentOf(node, id)).equals(content)).toBe(true);
  });

  it('appends on a node that takes over by one call more', async () => {
    const [one, other] = [await startedNode(), await startedNode()];
    const operations = new Operations();
    const id = await operations.create(one, { size: 100 * MIB });
    await operations.append(one, id, 0, randomContent('calls', 5 * MIB));
    await operations.append(other, id, 5 * MIB, randomContent('calls', 5 * MIB));
    expect(other.takeCalls()).toEqual(['GetObject', 'UploadPart', 'PutObject']);
  });

  it('tells the offset without a call where the lock was held last, and with one elsewhere', async () => {
    const [one, other] = [await startedNode(), await startedNode()];
    const operations = new Operations();
    const id = await operations.create(one, { size: 100 * MIB });
    await operations.append(one, id, 0, randomContent('calls', 1_000));
    one.takeCalls();
    expect((await operations.info(one, id)).offset).toBe(1_000);
    expect((await operations.info(one, id)).offset).toBe(1_000);
    expect(one.takeCalls()).toEqual([]);
    expect((await operations.info(other, id)).offset).toBe(1_000);
    expect(other.takeCalls()).toEqual(['GetObject']);
    expect((await operations.info(one, id)).offset).toBe(1_000);
    expect(one.takeCalls()).toEqual(['GetObject']);
  });

  it('keeps a chunk that is too small for a part by its tail object and one commit', async () => {
    const node = await startedNode();
    const operations = new Operations();
    const id = await operations.create(node, { size: 100 * MIB });
    await operations.append(node, id, 0, randomContent('calls', 1_000));
    node.takeCalls();
    await operations.append(node, id, 1_000, randomContent('calls', 1_000));
    expect(node.takeCalls()).toEqual(['PutObject', 'PutObject']);
  });
});
