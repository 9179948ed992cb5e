import assert from 'node:assert/strict';
import type { Leased, Taken } from '../lease-medium.js';
import { describeConnection, describeMessages } from './medium-contract-messages.js';
import {
  claim,
  LONG,
  type MediaUnderTest,
  nodeOf,
  renewed,
  SHORT,
  taken,
  type Test,
  took,
} from './medium-contract-steps.js';
import { runner } from './runner.js';

/** Ids that a medium could take for something else in its keys and messages. */
const ODD_IDS = [
  'a',
  'A',
  'a b',
  ' ',
  '{a}',
  'a}b{',
  '%7Ba%7D',
  'ä',
  'a\nb',
  'free a',
  '..',
  "'",
  'x'.repeat(500),
];
const RIVALS = 20;

/**
 * The tests that every `LeaseMedium` passes. `makeMedia` is called for each.
 *
 * @example
 * describeLeaseMediumContract('MyMedium', async () => {
 *   const [medium, peer] = [new MyMedium(options), new MyMedium(options)];
 *   return { medium, peer, pass: setTimeout };
 * });
 */
export function describeLeaseMediumContract(name: string, makeMedia: () => Promise<MediaUnderTest>): void {
  const { describe, it } = runner();
  const test: Test = (behaviour, body) =>
    it(behaviour, async () => {
      const media = await makeMedia();
      const [node, peer] = [nodeOf(media.medium), nodeOf(media.peer)];
      try {
        await Promise.all([media.medium.open(), media.peer.open()]);
        await body(node, peer, media);
      } finally {
        await media.medium.close();
        await media.peer.close();
        await media.dispose?.();
      }
    });

  describe(`${name} keeps the contract of a lease medium:`, () => {
    describeTaking(test);
    describeLetting(test);
    describeRenewing(test);
    describeMessages(test);
    describeConnection(test);
  });
}

function describeTaking(test: Test): void {
  test('gives a lock to one claim, and says for how long it is leased to the others', async (node, peer) => {
    const first = claim();
    const { previousToken } = await took(node, first);
    assert.equal(previousToken, undefined);
    for (const other of [node, peer]) {
      const answer = await other.medium.take(claim(first.id), 'try', LONG);
      assert.ok('leasedFor' in answer, 'the lock is leased');
      assert.ok(answer.leasedFor > 0 && answer.leasedFor <= LONG.leaseDuration, String(answer.leasedFor));
    }
  });

  test('gives it to exactly one of many that ask at once', async (node, peer) => {
    const { id } = claim();
    const answers = await Promise.all(
      Array.from({ length: RIVALS }, (_, index) =>
        (index % 2 === 0 ? node : peer).medium.take(claim(id), 'wait', LONG),
      ),
    );
    assert.equal(answers.filter((answer: Taken | Leased) => 'token' in answer).length, 1);
  });

  test('answers a repeated call as it answered the first', async (node, peer) => {
    const before = claim();
    await took(node, before);
    await node.medium.release(before, 'done', LONG);
    const repeated = claim(before.id);
    const answer = await peer.medium.take(repeated, 'wait', LONG);
    assert.deepEqual(await peer.medium.take(repeated, 'wait', LONG), answer);
  });

  test('keeps ids apart, whatever they are made of', async (node, peer) => {
    const claims = ODD_IDS.map((id) => claim(`${id}${claim().id}`));
    for (const each of claims) await took(node, each);
    for (const each of claims) {
      assert.equal(await taken(peer, claim(each.id), 'wait'), undefined);
      await node.medium.release(each, 'done', LONG);
      await peer.heard({ kind: 'free', id: each.id });
      await took(peer, claim(each.id));
    }
  });

  test('gives tokens that ascend, also from one node to another', async (node, peer) => {
    const { id } = claim();
    const tokens: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const each = claim(id);
      const at = round % 3 === 0 ? node : peer;
      tokens.push((await took(at, each)).token);
      await at.medium.release(each, 'done', LONG);
    }
    assert.deepEqual([...new Set(tokens)].sort(), tokens);
  });
}

function describeLetting(test: Test): void {
  test('names the holder before, and no longer than it is to remember it', async (node, peer, { pass }) => {
    const first = claim();
    const second = claim(first.id);
    const { token } = await took(node, first);
    await node.medium.release(first, 'done', LONG);
    const next = await took(peer, second);
    assert.equal(next.previousToken, token);
    assert.equal(next.seized, false);
    const brief = { leaseDuration: SHORT.leaseDuration, rememberFor: 2 * SHORT.leaseDuration };
    await peer.medium.release(second, 'done', brief);
    await pass(2 * brief.rememberFor);
    assert.equal((await took(node, claim(first.id))).previousToken, undefined);
  });

  test('gives the lock to the next when a lease is over, as seized', async (node, peer, { pass }) => {
    const late = claim();
    const { token } = await took(node, late, SHORT);
    await pass(2 * SHORT.leaseDuration);
    const next = claim(late.id);
    const { seized, previousToken } = await took(peer, next);
    assert.equal(seized, true);
    assert.equal(previousToken, token);
    assert.deepEqual(await renewed(node, [late]), ['lost']);
    await node.medium.release(late, 'done', LONG);
    assert.deepEqual(await renewed(peer, [next]), ['renewed']);
  });

  test('lets only its holder release a lock', async (node, peer) => {
    const holder = claim();
    await took(node, holder);
    await peer.medium.release(holder, 'done', LONG);
    await node.medium.release(claim(holder.id), 'done', LONG);
    assert.equal(await taken(peer, claim(holder.id), 'try'), undefined);
    await node.medium.release(holder, 'done', LONG);
    await node.medium.release(holder, 'done', LONG);
    await took(peer, claim(holder.id));
  });

  test('knows from how a lock was used whether the next one seizes it', async (node, peer, { pass }) => {
    const { id } = claim();
    const use = async (how: 'done' | 'unused' | 'working') => {
      const each = claim(id);
      const answer = await took(node, each);
      await node.medium.release(each, how, LONG);
      return answer.seized;
    };
    await use('done');
    assert.equal(await use('unused'), false);
    assert.equal(await use('working'), false);
    assert.equal(await use('unused'), true);
    assert.equal(await use('done'), true);
    assert.equal(await use('done'), false);
    await took(peer, claim(id), SHORT);
    await pass(2 * SHORT.leaseDuration);
    assert.equal(await use('unused'), true);
    assert.equal(await use('unused'), true);
  });
}

function describeRenewing(test: Test): void {
  test('lets a lease that is renewed last from then on', async (node, peer) => {
    const holder = claim();
    await took(node, holder, { ...LONG, leaseDuration: LONG.leaseDuration / 4 });
    assert.deepEqual(await renewed(node, [holder]), ['renewed']);
    const answer = await peer.medium.take(claim(holder.id), 'try', LONG);
    assert.ok('leasedFor' in answer && answer.leasedFor > LONG.leaseDuration / 2, JSON.stringify(answer));
  });

  test('renews each lease by itself', async (node, peer) => {
    const [held, released, free, foreign, wanted] = [claim(), claim(), claim(), claim(), claim()];
    for (const each of [held, released, wanted]) await took(node, each);
    await node.medium.release(released, 'done', LONG);
    await took(peer, foreign);
    await peer.medium.take(claim(wanted.id), 'wait', LONG);
    assert.deepEqual(await renewed(node, [held, released, free, foreign, wanted, held]), [
      ...['renewed', 'lost', 'lost', 'lost', 'wanted', 'renewed'],
    ]);
  });

  test('says that a lock is wanted until its holder releases it, not to the next one', async (node, peer) => {
    const holder = claim();
    await took(node, holder);
    assert.equal(await taken(peer, claim(holder.id), 'try'), undefined);
    assert.deepEqual(await renewed(node, [holder]), ['renewed']);
    assert.equal(await taken(peer, claim(holder.id), 'wait'), undefined);
    assert.deepEqual(await renewed(node, [holder]), ['wanted']);
    assert.deepEqual(await renewed(node, [holder]), ['wanted']);
    await node.medium.release(holder, 'done', LONG);
    const next = claim(holder.id);
    await took(peer, next);
    assert.deepEqual(await renewed(peer, [next]), ['renewed']);
  });
}
