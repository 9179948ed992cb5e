import { captureOutput, endOfTurn } from './testing/captured-output.js';
import { ServerLogger } from './server-logger.js';

const written = captureOutput();

describe('ServerLogger', () => {
  it('writes one line an entry, warnings and errors to stderr', async () => {
    const logger = new ServerLogger('log');
    logger.log('finished', 'Uploads');
    logger.log('finished too', 'Uploads');
    logger.warn('slow', 'TusModule');
    logger.error('broken', undefined, 'TusModule');
    await endOfTurn();
    expect(written.slice(0, 2)).toEqual([
      'stderr WARN  [TusModule] slow\n',
      'stderr ERROR [TusModule] broken\n',
    ]);
    const stdout = written.find((line) => line.startsWith('stdout'));
    expect(stdout?.replace(/\n\S+ /, '\n')).toBe(
      'stdout LOG   [Uploads] finished\nLOG   [Uploads] finished too\n',
    );
  });

  it('leaves out what is less important than it was told, and the chatter of the start', async () => {
    const logger = new ServerLogger('warn');
    logger.log('finished', 'Uploads');
    logger.debug('detail', 'Uploads');
    new ServerLogger('log').log('AppModule dependencies initialized', 'InstanceLoader');
    await endOfTurn();
    expect(written).toEqual([]);
  });

  it('shows everything at level debug', async () => {
    const logger = new ServerLogger('debug');
    logger.debug('detail', 'Uploads');
    logger.log('AppModule dependencies initialized', 'InstanceLoader');
    await endOfTurn();
    expect(written.join('').match(/\n/g)).toHaveLength(2);
  });

  it('shows the stack of an error', () => {
    new ServerLogger('error').error('PATCH failed', new Error('disk'), 'TusModule');
    expect(written[0]).toContain('[TusModule] PATCH failed Error: disk\n    at ');
  });
});
