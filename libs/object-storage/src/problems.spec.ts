import { errors, hasCode, ErrLockLost } from '@nestjs-tus/core';
import {
  Changed,
  Conflict,
  Full,
  Missing,
  Passing,
  PiecesRefused,
  SessionGone,
  type StorageProblem,
  storageError,
} from './problems.js';

type Problem = new (cause: unknown) => StorageProblem;
const cause = new Error('of the service');

describe('problems of a service', () => {
  it.each<[Problem, number]>([
    [Passing, 503],
    [Conflict, 503],
    [Missing, 503],
    [SessionGone, 503],
    [Full, 507],
  ])('that no store has foreseen are answered: %p', (Kind, status) => {
    expect(storageError(new Kind(cause))).toMatchObject({ status, cause });
  });

  it('are defects when a store should have foreseen them', () => {
    for (const defect of [new Changed(cause), new PiecesRefused(cause), new TypeError('a defect')]) {
      expect(storageError(defect)).toBe(defect);
    }
    const known = errors.notFound();
    expect(storageError(known)).toBe(known);
  });

  it('are those of the lock once that is lost', () => {
    const error = storageError(new Passing(cause), AbortSignal.abort());
    expect(hasCode(error, ErrLockLost)).toBe(true);
    expect(error).toMatchObject({ cause });
  });

  it('say what the service said', () => {
    expect(new Passing(cause)).toMatchObject({ name: 'Passing', message: 'of the service', cause });
  });
});
