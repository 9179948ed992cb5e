import { setTimeout as pause } from 'node:timers/promises';
import { Disappointed } from './honest-request.mjs';
import { concatenate, uploadByTus } from './honest-tus.mjs';
import { uploadByDraft } from './honest-draft.mjs';

const UPLOADS = [uploadByTus, uploadByTus, uploadByTus, concatenate, uploadByDraft, uploadByDraft];
const LONGEST_PAUSE_MS = 100;

/** A client whose uploads must all arrive whole, whatever the hostile ones do, until `run` says that time is over. */
export async function uploadHonestly(run, random) {
  for (let turn = 0; !run.isOver(); turn++) {
    const own = random.fork(turn);
    try {
      await own.pick(UPLOADS)(run, own);
      run.count('honest');
    } catch (error) {
      if (!(error instanceof Disappointed)) throw error;
    }
    await pause(own.below(LONGEST_PAUSE_MS));
  }
}
