import { NotDone } from '@nestjs-tus/lease-locker';
import { ClientClosedError, ClientOfflineError, ErrorReply, SocketClosedUnexpectedlyError } from 'redis';
import { adviceOn, commandFailed, notDone } from './failures.js';

describe('the failure of a command', () => {
  it.each([
    ['Redis refused it', new ErrorReply('NOPERM this user has no permissions'), 'NOPERM'],
    ['the client had no connection', new ClientOfflineError(), undefined],
    ['the client was closed', new ClientClosedError(), undefined],
  ])('says that it was not done when %s', (_when, error, refusal) => {
    const failure = commandFailed(error);
    expect(failure).toBeInstanceOf(NotDone);
    expect(failure).toMatchObject({ cause: error, refusal });
  });

  it('leaves open whether it was done when the connection broke', () => {
    const error = new SocketClosedUnexpectedlyError();
    expect(commandFailed(error)).toBe(error);
    expect(notDone(error)).toMatchObject({ cause: error, refusal: undefined });
  });
});

describe('the advice on a failure', () => {
  it.each([
    ['WRONGPASS invalid username-password pair', /another login: check user and password/],
    ['NOAUTH Authentication required.', /another login/],
    ['ERR AUTH <password> called without any password configured', /another login/],
    ['NOPERM this user has no permissions to run the eval command', /does not let this user.*README/],
    ['ERR The user executing the script can not run this command', /does not let this user.*README/],
    ['ERR DB index is out of range', /does not have this database/],
    ['ERR unknown command EVALSHA', /^Redis refuses what locks need/],
  ])('says what to change, and what Redis says: %s', (message, advice) => {
    const text = adviceOn(new ErrorReply(message));
    expect(text).toMatch(advice);
    expect(text).toContain(`(Redis says: ${message})`);
  });

  it.each([
    'LOADING Redis is loading',
    'OOM command not allowed',
    'READONLY',
    'ERR max number of clients reached',
  ])('is absent when the failure may pass: %s', (message) => {
    expect(adviceOn(new ErrorReply(message))).toBeUndefined();
  });

  it('is absent for an error that is not of Redis', () => {
    expect(adviceOn(new Error('connect ECONNREFUSED'))).toBeUndefined();
    expect(adviceOn(undefined)).toBeUndefined();
  });
});
