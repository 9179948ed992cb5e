import { disappoint, insist, request } from './honest-request.mjs';
import { locationOf } from './honest-tus.mjs';

const MOST_BYTES = 100_000;
const CUT = 0.2;
/** Versions from this one on want the media type of an append. */
const FIRST_WITH_TYPE = 6;

/** Uploads random content in random pieces by a random version of the draft, breaks off and resumes, and reads it back. */
export async function uploadByDraft(run, random) {
  const interop = random.between(3, 9);
  const content = random.bytes(random.between(1, MOST_BYTES));
  const first = content.subarray(0, random.below(content.length));
  const headers = fieldsOf(interop, false);
  const created = await insist(run, { method: 'POST', target: run.path, headers, body: first });
  const target = locationOf(run, created);
  await append(run, random, interop, target, content);
  const answer = await insist(run, { method: 'GET', target, headers: {} });
  if (answer.status !== 200 || !answer.body.equals(content)) {
    disappoint(run, `interop ${interop}: GET is ${answer.status}, or the content another`, target, answer);
  }
}

async function append(run, random, interop, target, content) {
  let offset = 0;
  for (;;) {
    const head = await insist(run, { method: 'HEAD', target, headers: fieldsOf(interop) });
    const told = Number(head.fields.get('upload-offset')?.[0]);
    if (!(told >= offset && told <= content.length)) {
      disappoint(
        run,
        `interop ${interop}: HEAD tells a wrong offset`,
        `${target}: ${told}, not ${offset} or more`,
        head,
      );
    }
    offset = told;
    if (isComplete(interop, head)) return;
    const piece = content.subarray(offset, offset + random.between(1, content.length));
    const isLast = offset + piece.length === content.length;
    const answer = await request(run, {
      method: 'PATCH',
      target,
      body: piece,
      headers: {
        ...fieldsOf(interop, isLast),
        'Upload-Offset': String(offset),
        ...(interop >= FIRST_WITH_TYPE && { 'Content-Type': 'application/partial-upload' }),
      },
      ...(random.chance(CUT) && { cutAt: random.below(piece.length) }),
    });
    if (answer.status < 300) offset += piece.length;
  }
}

/** @param complete left out: the request does not say it */
function fieldsOf(interop, complete) {
  const version = { 'Upload-Draft-Interop-Version': String(interop) };
  if (complete === undefined) return version;
  if (interop === 3) return { ...version, 'Upload-Incomplete': complete ? '?0' : '?1' };
  return { ...version, 'Upload-Complete': complete ? '?1' : '?0' };
}

function isComplete(interop, answer) {
  if (interop === 3) return answer.fields.get('upload-incomplete')?.[0] === '?0';
  return answer.fields.get('upload-complete')?.[0] === '?1';
}
