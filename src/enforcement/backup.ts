import type { Observation } from '../evidence/index.ts';
import { globMatches } from '../iam/index.ts';

/*
 * Which resources a plan of AWS Backup takes in. Source: AWS Backup's guide, *Assigning resources to a backup plan* and *Assign resources with AWS
 * CLI*, and the API's `BackupSelection`. Not verified on AWS.
 */

export interface BackupTag {
  /** Without `aws:ResourceTag/`. */
  readonly key: string;
  /** `*` in it stands for anything where the operator says `Like`. */
  readonly value: string;
}

export interface BackupCondition extends BackupTag {
  readonly operator: 'StringEquals' | 'StringNotEquals' | 'StringLike' | 'StringNotLike';
}

/** One assignment of resources to a plan. A list that is empty asks nothing; all empty: every resource. */
export interface BackupSelection {
  /** Names, or ids where there is no name. */
  readonly plan: string;
  readonly selection: string;
  /** ARNs, with `*` for anything; any of them. */
  readonly resources: readonly string[];
  /** Left out, whatever else matches. */
  readonly notResources: readonly string[];
  /** Any of them (`ListOfTags`). */
  readonly anyTag: readonly BackupTag[];
  /** All of them (`Conditions`). */
  readonly conditions: readonly BackupCondition[];
}

export type Selected =
  | { readonly kind: 'yes' }
  | { readonly kind: 'no' }
  | { readonly kind: 'unknown'; readonly because: string };

/**
 * Whether a selection takes in the resource with this ARN and these tags. Whether AWS Backup has opted in to the kind of resource, and whether it could
 * back it up as it is now, is left aside: either can change tomorrow.
 */
export function selects(
  selection: BackupSelection,
  arn: string,
  tags: Observation<Readonly<Record<string, string>>>,
): Selected {
  const { resources, notResources, anyTag, conditions } = selection;
  if (notResources.some((pattern) => starMatches(pattern, arn))) return NO;
  const byArn = resources.length === 0 || resources.some((pattern) => starMatches(pattern, arn));
  if (anyTag.length === 0 && conditions.length === 0) return byArn ? YES : NO;
  // Without `ListOfTags` its rules are a plain AND.
  if (anyTag.length === 0 && !byArn) return NO;
  if (tags.kind === 'unobservable')
    return { kind: 'unknown', because: `its tags could not be read (${tags.detail ?? tags.reason})` };
  const has = tags.kind === 'observed' ? tags.value : {};
  const byConditions = conditions.every((condition) => meets(condition, has));
  if (anyTag.length === 0) return byConditions ? YES : NO;
  const asked = [
    ...(resources.length === 0 ? [] : [byArn]),
    anyTag.some((tag) => meets({ ...tag, operator: 'StringEquals' }, has)),
    ...(conditions.length === 0 ? [] : [byConditions]),
  ];
  if (asked.every((met) => met)) return YES;
  if (!asked.some((met) => met)) return NO;
  return {
    kind: 'unknown',
    because: 'the guide does not say how a list of tags counts beside its other conditions',
  };
}

const YES = { kind: 'yes' } as const;
const NO = { kind: 'no' } as const;

/** A tag that is not there is no value: nothing equals it, and everything is unlike it. */
function meets({ operator, key, value }: BackupCondition, tags: Readonly<Record<string, string>>): boolean {
  const has = Object.hasOwn(tags, key) ? tags[key] : undefined;
  const equals = has === value;
  const like = has !== undefined && starMatches(value, has);
  return { StringEquals: equals, StringNotEquals: !equals, StringLike: like, StringNotLike: !like }[operator];
}

/** `*` stands for any run of characters; nothing else is special, unlike in policies of IAM. */
const starMatches = (pattern: string, text: string): boolean => globMatches(pattern, text, '');
