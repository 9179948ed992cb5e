import { jest } from '@jest/globals';
import { ServerLogger } from './server-logger.js';

const written: string[] = [];

beforeEach(() => {
  written.length = 0;
  for (const stream of ['stdout', 'stderr'] as const) {
    jest.spyOn(process[stream], 'write').mockImplementation((line) => {
      written.push(`${stream} ${String(line).replace(/^\S+ /, '')}`);
      return true;
    });
  }
});
afterEach(() => jest.restoreAllMocks());

describe('ServerLogger', () => {
  it('writes one line an entry, warnings and errors to stderr', () => {
    const logger = new ServerLogger('log');
    logger.log('finished', 'Uploads');
    logger.warn('slow', 'TusModule');
    logger.error('broken', undefined, 'TusModule');
    expect(written).toEqual([
      'stdout LOG   [Uploads] finished\n',
      'stderr WARN  [TusModule] slow\n',
      'stderr ERROR [TusModule] broken\n',
    ]);
  });

  it('leaves out what is less important than it was told, and the chatter of the start', () => {
    const logger = new ServerLogger('warn');
    logger.log('finished', 'Uploads');
    logger.debug('detail', 'Uploads');
    new ServerLogger('log').log('AppModule dependencies initialized', 'InstanceLoader');
    expect(written).toEqual([]);
  });

  it('shows everything at level debug', () => {
    const logger = new ServerLogger('debug');
    logger.debug('detail', 'Uploads');
    logger.log('AppModule dependencies initialized', 'InstanceLoader');
    expect(written).toHaveLength(2);
  });

  it('shows the stack of an error', () => {
    new ServerLogger('error').error('PATCH failed', new Error('disk'), 'TusModule');
    expect(written[0]).toContain('[TusModule] PATCH failed Error: disk\n    at ');
  });
});
