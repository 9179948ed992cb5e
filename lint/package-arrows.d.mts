import type { Rule } from 'eslint';

export declare const packageArrows: Rule.RuleModule;
