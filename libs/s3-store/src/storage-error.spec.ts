import { S3ServiceException } from '@aws-sdk/client-s3';
import { errors, isHttpError } from '@nestjs-tus/core';
import { startProblem, storageError } from './storage-error.js';

const serviceError = (name: string, httpStatusCode: number) =>
  new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode } });
const socketError = (code: string) => Object.assign(new Error(code), { code });

describe('storage errors', () => {
  it.each<[Error, number]>([
    [serviceError('SlowDown', 503), 503],
    [serviceError('InternalError', 500), 503],
    [serviceError('Unknown', 502), 503],
    [serviceError('TooManyRequests', 429), 503],
    [serviceError('AccessDenied', 403), 503],
    [serviceError('RequestTimeTooSkewed', 403), 503],
    [serviceError('NoSuchBucket', 404), 503],
    [serviceError('NotFound', 404), 503],
    [serviceError('QuotaExceeded', 403), 507],
    [serviceError('Whatever', 507), 507],
    [socketError('ECONNREFUSED'), 503],
    [socketError('ECONNRESET'), 503],
    [socketError('ENOTFOUND'), 503],
    [Object.assign(new Error('slow'), { name: 'TimeoutError' }), 503],
  ])('%s are told as what passes', (error, status) => {
    expect(storageError(error)).toMatchObject({ status, cause: error });
  });

  it('that do not pass stay what they are', () => {
    const defects = [
      serviceError('InvalidArgument', 400),
      new TypeError('a defect'),
      new RangeError('another'),
    ];
    for (const defect of defects) expect(storageError(defect)).toBe(defect);
    const known = errors.notFound();
    expect(storageError(known)).toBe(known);
  });

  it('are those of the lock once that is lost', () => {
    const lost = AbortSignal.abort();
    const told = storageError(socketError('ECONNRESET'), lost);
    expect(isHttpError(told) && told.code).toBe('ERR_LOCK_LOST');
  });

  it('tell the operator what to do', () => {
    expect(startProblem(serviceError('NoSuchBucket', 404), 'b', 'http://s3').message).toBe(
      'S3Store cannot use http://s3: the bucket "b" does not exist: create it, or give another name',
    );
    expect(startProblem(socketError('ECONNREFUSED'), 'b', 'S3').message).toContain('is not reached');
    expect(startProblem(serviceError('Odd', 400), 'b', 'S3').message).toContain('refuses (Odd');
  });
});
