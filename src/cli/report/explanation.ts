import { assertNever } from '../../core/index.ts';
import { describeCondition } from '../../policy/index.ts';
import type { Explanation } from '../../rules/index.ts';
import { describeObservation, describeSource } from './words.ts';

/** One condition of an explanation, ready to be shown: what it asks, what it came to and on what evidence. */
export interface ExplanationLine {
  /** 0 for the root. */
  readonly depth: number;
  readonly path: string;
  readonly truth: Explanation['truth'];
  readonly asks: string;
  /** Of a leaf: what was seen. */
  readonly seen?: string;
  /** Of a leaf: the call, the place and the time; empty where nothing was asked. */
  readonly source?: string;
  readonly isDeciding: boolean;
}

/** Every condition of a tree in the policy's order, parents before their parts. */
export function explanationLines(
  node: Explanation,
  decidingClause: string,
  depth = 0,
): readonly ExplanationLine[] {
  const { path, truth } = node;
  const isDeciding = path === decidingClause;
  switch (node.kind) {
    case 'all':
    case 'any': {
      const asks = node.kind === 'all' ? 'every one of these holds' : 'at least one of these holds';
      return [
        { depth, path, truth, asks, isDeciding },
        ...node.parts.flatMap((part) => explanationLines(part, decidingClause, depth + 1)),
      ];
    }
    case 'not':
      return [
        { depth, path, truth, asks: 'this does not hold', isDeciding },
        ...explanationLines(node.part, decidingClause, depth + 1),
      ];
    case 'leaf': {
      const { fact, op, value, observation } = node;
      const seen = `${fact}: ${describeObservation(observation)}`;
      const asks = describeCondition({ fact, op, value });
      return [{ depth, path, truth, asks, seen, source: describeSource(observation), isDeciding }];
    }
    default:
      return assertNever(node, 'explanation');
  }
}
