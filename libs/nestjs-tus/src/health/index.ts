export { TusHealthIndicator, type TusHealthOptions } from './tus-health-indicator.js';
