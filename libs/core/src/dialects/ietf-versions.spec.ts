import { IETF_VERSIONS, WITHOUT_INTEROP } from './ietf-versions.js';

/** What the drafts say, one line a version: interop, field, media type, status of an append, overflow, age, progress. */
const EXPECTED = [
  [9, 'Upload-Complete', 'application/partial-upload', 204, 'invalidate', 'max-age', true],
  [8, 'Upload-Complete', 'application/partial-upload', 204, 'invalidate', 'max-age', true],
  [7, 'Upload-Complete', 'application/partial-upload', 204, 'invalidate', 'max-age', true],
  [6, 'Upload-Complete', 'application/partial-upload', 201, 'stop', 'expires', true],
  [5, 'Upload-Complete', undefined, 201, 'stop', 'expires', true],
  [4, 'Upload-Complete', undefined, 201, 'stop', 'expires', false],
  [3, 'Upload-Incomplete', undefined, 201, 'stop', 'expires', false],
];

describe('the versions of the draft', () => {
  it('are those of the drafts, newest first', () => {
    expect(
      IETF_VERSIONS.map((version) => [
        version.interop,
        version.completeness.field,
        version.appendType,
        version.appendedStatus,
        version.overflow,
        version.ageKey,
        version.progress,
      ]),
    ).toEqual(EXPECTED);
  });

  it('have the problem types of their time', () => {
    const having = (name: string) =>
      IETF_VERSIONS.filter(({ problems }) => problems.some((problem) => problem === name)).map(
        ({ interop }) => interop,
      );
    expect(having('mismatching-upload-offset')).toEqual([9, 8, 7, 6]);
    expect(having('inconsistent-upload-length')).toEqual([9, 8, 7]);
    expect(having('completed-upload')).toEqual([8, 7, 6]);
  });

  it('without a number are the newest', () => {
    expect({ ...WITHOUT_INTEROP, interop: 9 }).toEqual(IETF_VERSIONS[0]);
  });
});
