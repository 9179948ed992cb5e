/**
 * A header of answers that are Nest's own affair. When an app's filter throws, Nest's default handler answers what was thrown, by any status and
 * with any text that it carries: nothing of this project is asked any more.
 */
export const FILTER_THREW = 'x-odd-filter-threw';
