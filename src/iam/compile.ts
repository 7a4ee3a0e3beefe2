import { type CompiledCondition, compileCondition } from './conditions.ts';
import type { RequestContext } from './context.ts';
import type { PolicyDocument, Statement } from './policy-document.ts';
import {
  endsInRun,
  type Glob,
  globCovers,
  globMatchesText,
  globOf,
  globReaches,
  isEverything,
  parseTemplate,
  resolveTemplate,
  splitGlob,
  type Template,
} from './template.ts';
import { not, type Truth } from './truth.ts';

/**
 * What the action is done to: one ARN; or the question is whether it can be done to something at all (`any`), or to something whose ARN begins
 * so (`within`: an object of a bucket, `arn:aws:s3:::bucket/`).
 */
export type RequestResource =
  | string
  | { readonly kind: 'any' }
  | { readonly kind: 'within'; readonly prefix: string };
export const ANY_RESOURCE: RequestResource = { kind: 'any' };

export interface CompiledStatement {
  readonly source: Statement;
  readonly resources: readonly Template[];
  readonly conditions: readonly CompiledCondition[];
  /** Allows everything on everything, whoever asks: nothing to explain. */
  readonly isUnlimited: boolean;
}

/** A statement that concerns an action, and by which of its patterns. */
export interface ActionMatch {
  readonly statement: CompiledStatement;
  /** `bedrock:*`, or `NotAction iam:*, sts:*`. */
  readonly by: string;
}

/** A policy document ready to be asked, under the name by which a person finds it. */
export interface CompiledPolicy {
  readonly name: string;
  readonly document: PolicyDocument;
  /** The statements that concern `action`, in the document's order. */
  concerning(action: string): readonly ActionMatch[];
}

/** Answers kept for each document: every principal of an account asks the same few questions. */
const MAX_KEPT_ACTIONS = 512;

export function compilePolicy(name: string, document: PolicyDocument): CompiledPolicy {
  const statements = document.statements.map((statement) => ({
    statement: compileStatement(statement, document.version),
    patterns: statement.actions.patterns.map((text) => ({ text, glob: globOf(text.toLowerCase()) })),
  }));
  const kept = new Map<string, readonly ActionMatch[]>();
  return {
    name,
    document,
    concerning(action) {
      const before = kept.get(action);
      if (before !== undefined) return before;
      const lower = action.toLowerCase();
      const found = statements.flatMap(({ statement, patterns }): readonly ActionMatch[] => {
        const hit = patterns.find(({ glob }) => globMatchesText(glob, lower));
        if (statement.source.actions.kind === 'Action')
          return hit === undefined ? [] : [{ statement, by: hit.text }];
        return hit === undefined
          ? [{ statement, by: `NotAction ${statement.source.actions.patterns.join(', ')}` }]
          : [];
      });
      if (kept.size >= MAX_KEPT_ACTIONS) kept.clear();
      kept.set(action, found);
      return found;
    },
  };
}

function compileStatement(source: Statement, version: string): CompiledStatement {
  const resources = (source.resources?.patterns ?? []).map((text) => parseTemplate(text, version, true));
  const conditions = source.conditions.map((condition) => compileCondition(condition, version));
  return {
    source,
    resources,
    conditions,
    isUnlimited:
      source.effect === 'Allow' &&
      source.actions.kind === 'Action' &&
      source.actions.patterns.some((pattern) => /^\*+$/.test(pattern)) &&
      (source.resources === undefined || (source.resources.kind === 'Resource' && coversAll(resources))) &&
      conditions.length === 0 &&
      source.principals === undefined,
  };
}

export const coversAll = (templates: readonly Template[]): boolean =>
  templates.some(({ fixed }) => fixed !== undefined && isEverything(fixed));

/** Whether the statement's resource element covers the resource of the request. */
export function resourceTruth(
  { source, resources }: CompiledStatement,
  resource: RequestResource,
  context: RequestContext,
): Truth {
  // Trust policies have no resource element: they are about the role that holds them.
  if (source.resources === undefined) return 'true';
  const isListed =
    typeof resource === 'string'
      ? isAmong(resources, resource, context)
      : resource.kind === 'within'
        ? reachesInto(resources, resource.prefix, context)
        : // "Some resource" is among them for certain only if everything is.
          coversAll(resources)
          ? 'true'
          : 'unknown';
  if (source.resources.kind === 'Resource') return isListed;
  // What `NotResource` makes of a variable without a value is not documented.
  return hasAbsentVariable(resources, context) ? 'unknown' : not(isListed);
}

function isAmong(resources: readonly Template[], resource: string, context: RequestContext): Truth {
  let result: Truth = 'false';
  for (const template of resources) {
    const pattern = resolveTemplate(template, context);
    if (pattern === 'absent') continue;
    const truth = pattern === 'unknown' ? 'unknown' : matchResource(pattern, resource);
    if (truth === 'true') return 'true';
    if (truth === 'unknown') result = 'unknown';
  }
  return result;
}

/** `true`: all that begins with `prefix` is among them; `unknown`: some of it is, or may be. */
function reachesInto(resources: readonly Template[], prefix: string, context: RequestContext): Truth {
  const all = [...globOf(prefix, false), ...globOf('*')];
  const parts = splitGlob(all, ARN_PARTS);
  let result: Truth = 'false';
  for (const template of resources) {
    const pattern = resolveTemplate(template, context);
    if (pattern === 'absent') continue;
    if (pattern !== 'unknown' && globCovers(pattern, all)) {
      const patterns = splitGlob(pattern, ARN_PARTS);
      // As in `matchResource`: a wildcard inside a part that has to cross a colon is not certain.
      const isCertain =
        patterns.length < ARN_PARTS ||
        patterns.every((part, index) => globCovers(part, parts[index] ?? [])) ||
        patterns.slice(0, -1).some(endsInRun);
      if (isCertain) return 'true';
      result = 'unknown';
    } else if (pattern === 'unknown' || globReaches(pattern, prefix)) result = 'unknown';
  }
  return result;
}

const hasAbsentVariable = (resources: readonly Template[], context: RequestContext): boolean =>
  resources.some((template) => resolveTemplate(template, context) === 'absent');

const ARN_PARTS = 6;

/**
 * AWS documents that a wildcard stays within its part of the ARN unless it ends the part, where it may run on. A match that is only there
 * because a wildcard inside a part crossed a colon is therefore not certain.
 */
function matchResource(pattern: Glob, resource: string): Truth {
  if (!globMatchesText(pattern, resource)) return 'false';
  const patterns = splitGlob(pattern, ARN_PARTS);
  const parts = resource.split(':');
  if (patterns.length < ARN_PARTS || parts.length < ARN_PARTS)
    return endsInRun(pattern) || parts.length < ARN_PARTS ? 'true' : 'unknown';
  const sixth = parts.slice(ARN_PARTS - 1).join(':');
  const isWithinParts = patterns.every((part, index) =>
    globMatchesText(part, index === ARN_PARTS - 1 ? sixth : (parts[index] ?? '')),
  );
  return isWithinParts || patterns.slice(0, -1).some(endsInRun) ? 'true' : 'unknown';
}

/** Whether every resource that `narrow` lists is listed by `wide` too; false where that is not shown. */
export function coversResources(wide: CompiledStatement, narrow: CompiledStatement): boolean {
  if (wide.source.resources === undefined) return true;
  if (wide.source.resources.kind !== 'Resource' || narrow.source.resources?.kind !== 'Resource') return false;
  return narrow.resources.every(({ fixed: inner }) =>
    inner === undefined
      ? false
      : wide.resources.some(({ fixed: outer }) => outer !== undefined && globCovers(outer, inner)),
  );
}
