import { createHash } from 'node:crypto';
import { disappoint, insist, request } from './honest-request.mjs';

const TUS = { 'Tus-Resumable': '1.0.0' };
const OFFSET_STREAM = { 'Content-Type': 'application/offset+octet-stream' };
const MOST_BYTES = 200_000;
/** Of all requests to a running upload, how many vanish in the middle, and how many are watched by a HEAD. */
const CUT = 0.25;
const WATCHED = 0.1;

/** Uploads random content in random pieces by tus 1.0.0, breaks off and resumes, and reads it back. */
export async function uploadByTus(run, random) {
  const content = random.bytes(random.below(MOST_BYTES));
  const target = await create(run, random, content);
  await send(run, random, target, content);
  await verify(run, target, content);
  if (random.chance(0.5)) await remove(run, target);
}

/** Uploads two or three partial uploads and joins them. */
export async function concatenate(run, random) {
  const parts = Array.from({ length: random.between(2, 3) }, () =>
    random.bytes(random.below(MOST_BYTES / 4)),
  );
  const targets = [];
  for (const part of parts) {
    const target = await create(run, random, part, { 'Upload-Concat': 'partial' });
    await send(run, random, target, part);
    targets.push(target);
  }
  const headers = { ...TUS, 'Upload-Concat': `final;${targets.join(' ')}` };
  const joined = locationOf(run, await insist(run, { method: 'POST', target: run.path, headers }));
  await verify(run, joined, Buffer.concat(parts));
}

async function create(run, random, content, headers = {}) {
  const deferred = content.length > 0 && random.chance(0.2);
  const length = deferred ? { 'Upload-Defer-Length': '1' } : { 'Upload-Length': String(content.length) };
  const first = random.chance(0.3) ? content.subarray(0, random.below(content.length + 1)) : undefined;
  const answer = await insist(run, {
    method: 'POST',
    target: run.path,
    headers: { ...TUS, ...length, ...headers, ...(first && OFFSET_STREAM) },
    body: first,
  });
  return locationOf(run, answer);
}

/** Sends what is missing, and believes only what HEAD and PATCH say. */
async function send(run, random, target, content) {
  let offset = await offsetOf(run, target, 0, content.length);
  let isDeclared = false;
  // A request that was cut may be served after the HEAD that follows it: what it brought counts for as long as the upload runs.
  let sent = offset;
  while (offset < content.length || !isDeclared) {
    if (offset === content.length && (await isWhole(run, target, content.length))) return;
    const piece = content.subarray(offset, offset + random.between(1, content.length));
    const reached = offset + piece.length;
    const patch = {
      method: 'PATCH',
      target,
      body: piece,
      headers: {
        ...TUS,
        ...OFFSET_STREAM,
        'Upload-Offset': String(offset),
        ...(await lengthOf(run, target, content)),
      },
    };
    if (random.chance(0.2))
      patch.headers['Upload-Checksum'] = `sha1 ${createHash('sha1').update(piece).digest('base64')}`;
    const watching = random.chance(WATCHED)
      ? request(run, { method: 'HEAD', target, headers: TUS })
      : undefined;
    // Whoever waits for the PATCH first must not leave a rejection without a listener.
    watching?.catch(() => undefined);
    const answer = await request(run, {
      ...patch,
      ...(random.chance(CUT) && { cutAt: random.below(piece.length) }),
    });
    await watching;
    isDeclared = true;
    sent = Math.max(sent, reached);
    if (answer.status === 204) {
      expectOffset(run, answer, reached, reached, patch);
      offset = reached;
    } else {
      if (answer.status === 400) run.count('interrupted');
      offset = await offsetOf(run, target, offset, sent);
    }
  }
}

/** Upload-Length, as long as the upload does not have it. */
async function lengthOf(run, target, content) {
  const answer = await insist(run, { method: 'HEAD', target, headers: TUS });
  return answer.fields.has('upload-length') ? {} : { 'Upload-Length': String(content.length) };
}

async function isWhole(run, target, length) {
  const answer = await insist(run, { method: 'HEAD', target, headers: TUS });
  return answer.fields.get('upload-length')?.[0] === String(length);
}

/** What HEAD says, which is never less than what was acknowledged, nor more than what was sent. */
async function offsetOf(run, target, acknowledged, sent) {
  const head = { method: 'HEAD', target, headers: TUS };
  const answer = await insist(run, head);
  if (answer.status !== 200) disappoint(run, `HEAD is ${answer.status}`, target, answer);
  return expectOffset(run, answer, acknowledged, sent, head);
}

function expectOffset(run, answer, least, most, { method, target }) {
  const offset = Number(answer.fields.get('upload-offset')?.[0]);
  if (offset >= least && offset <= most) return offset;
  return disappoint(
    run,
    `${method} tells a wrong offset`,
    `${target}: ${offset}, not ${least} to ${most}`,
    answer,
  );
}

async function verify(run, target, content) {
  const answer = await insist(run, { method: 'GET', target, headers: {} });
  if (answer.status !== 200) disappoint(run, `GET is ${answer.status}`, target, answer);
  if (!answer.body.equals(content)) {
    disappoint(run, 'the content is another', `${target}: ${answer.body.length} for ${content.length} bytes`);
  }
}

async function remove(run, target) {
  const answer = await insist(run, { method: 'DELETE', target, headers: TUS });
  if (answer.status !== 204) disappoint(run, `DELETE is ${answer.status}`, target, answer);
  const after = await insist(run, { method: 'HEAD', target, headers: TUS });
  if (after.status !== 404 && after.status !== 410)
    disappoint(run, `HEAD after DELETE is ${after.status}`, target, after);
}

/** The path of a new upload. */
export function locationOf(run, answer) {
  const location = answer.fields.get('location')?.[0];
  if (answer.status !== 201 || location === undefined) {
    return disappoint(run, `POST is ${answer.status}`, 'a creation', answer);
  }
  return new URL(location, `http://127.0.0.1:${run.port}`).pathname;
}
