import assert from 'node:assert/strict';
import { NotDone } from '../lease-medium.js';
import { NoAnswer } from '../within.js';
import { claim, LONG, renewed, taken, type Test, took } from './medium-contract-steps.js';

/** What a medium sends, and to which nodes. */
export function describeMessages(test: Test): void {
  test('asks the holder of a wanted lock, and wakes the node that waits, once', async (node, peer) => {
    const holder = claim();
    const { id } = holder;
    await took(node, holder);
    assert.equal(await taken(peer, claim(id), 'wait'), undefined);
    await node.heard({ kind: 'release', nonce: holder.nonce });
    await node.medium.release(holder, 'done', LONG);
    await peer.heard({ kind: 'free', id });
    const next = claim(id);
    await took(peer, next);
    await peer.medium.release(next, 'done', LONG);
    await peer.hasHeardAll();
    assert.deepEqual(peer.messages, [{ kind: 'free', id }]);
  });

  test('wakes a node that waits for a lock of its own', async (node) => {
    const holder = claim();
    await took(node, holder);
    assert.equal(await taken(node, claim(holder.id), 'wait'), undefined);
    await node.heard({ kind: 'release', nonce: holder.nonce });
    await node.medium.release(holder, 'unused', LONG);
    await node.heard({ kind: 'free', id: holder.id });
  });

  test('sends nothing for an attempt that does not wait', async (node, peer) => {
    const holder = claim();
    await took(node, holder);
    assert.equal(await taken(peer, claim(holder.id), 'try'), undefined);
    await node.medium.release(holder, 'done', LONG);
    await Promise.all([node.hasHeardAll(), peer.hasHeardAll()]);
    assert.deepEqual([...node.messages, ...peer.messages], []);
  });

  test('brings a node what it sends itself, and no other node', async (node, peer) => {
    await node.medium.send({ kind: 'echo', count: 12 });
    await node.heard({ kind: 'echo', count: 12 });
    await peer.hasHeardAll();
    assert.deepEqual(peer.messages, []);
  });
}

/** How a medium is opened, goes on, and is closed. */
export function describeConnection(test: Test): void {
  test('is opened twice without harm', async (node) => {
    await node.medium.open();
    await took(node, claim());
  });

  test('goes on when its calls or messages seem to be lost', async (node, peer) => {
    const holder = claim();
    await took(node, holder);
    node.medium.callFailed?.(new NoAnswer(1));
    node.medium.messageMissed?.();
    assert.deepEqual(await renewed(node, [holder]), ['renewed']);
    assert.equal(await taken(peer, claim(holder.id), 'wait'), undefined);
    await node.medium.release(holder, 'done', LONG);
    await peer.heard({ kind: 'free', id: holder.id });
  });

  test('says that messages may have been missed when its connections were cut', async (node, _peer, {
    cut,
  }) => {
    if (!cut) return;
    const fresh = node.becomesFresh();
    await cut();
    await fresh;
  });

  test('does nothing once it is closed, and leaves other nodes alone', async (node, peer) => {
    const holder = claim();
    await took(peer, holder);
    await node.medium.close();
    const calls = [
      node.medium.take(claim(holder.id), 'wait', LONG),
      node.medium.renew([holder], LONG),
      node.medium.release(holder, 'done', LONG),
      node.medium.open(),
    ];
    for (const call of calls) await assert.rejects(call, NotDone);
    await node.medium.close();
    assert.deepEqual(await renewed(peer, [holder]), ['renewed']);
    await peer.hasHeardAll();
    assert.deepEqual(peer.messages, []);
  });
}
