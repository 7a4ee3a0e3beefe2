import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, type ScalarTag } from 'yaml';
import { partitionOfRegion } from '../../../core/index.ts';

/*
 * Just enough CloudFormation to deploy our own templates (templates/) into the embedded AWS: parameters, conditions and the functions
 * that they use. Anything else is a fault, never a guess.
 */

const TEMPLATES = join(import.meta.dirname, '..', '..', '..', '..', 'templates');

interface Template {
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Condition?: string; readonly Properties?: unknown }>
  >;
}

export interface StackInput {
  readonly accountId: string;
  readonly region: string;
  readonly parameters: Readonly<Record<string, string | readonly string[]>>;
  /** `Ref` and `Fn::GetAtt` of resources, as `Name` and `Name.Attribute`. */
  readonly attributes: Readonly<Record<string, string>>;
}

export type Resources = Readonly<Record<string, { readonly type: string; readonly properties: unknown }>>;

const tag = (name: string, key: string): readonly object[] => [
  { tag: name, resolve: (text: string) => ({ [key]: text }) } satisfies Partial<ScalarTag> as object,
  ...(['seq', 'map'] as const).map((collection) => ({
    tag: name,
    collection,
    resolve: (value: { toJSON(): unknown }) => ({ [key]: value.toJSON() }),
  })),
];
const SHORT_FORMS = [
  ['!Ref', 'Ref'],
  ...['Sub', 'GetAtt', 'If', 'Equals', 'Not', 'Join', 'Split'].map((name) => [`!${name}`, `Fn::${name}`]),
].flatMap(([name = '', key = '']) => tag(name, key));

/** The resources of `templates/<name>.yml` as they would be made; those whose condition does not hold are left out. */
export function deployTemplate(name: string, input: StackInput): Resources {
  const template = read.get(name) ?? readTemplate(readFileSync(join(TEMPLATES, `${name}.yml`), 'utf8'));
  read.set(name, template);
  return resolveTemplate(template, input);
}

const read = new Map<string, Template>();

/** @throws Error when the text is no template */
export const readTemplate = (text: string): Template =>
  plain(parse(text, { customTags: SHORT_FORMS as never, logLevel: 'silent' })) as Template;

/** Nested nodes that a short form wrapped come out of the parser as they are; JSON makes them data. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

export function resolveTemplate(template: Template, input: StackInput): Resources {
  const partition = partitionOfRegion(input.region);
  const lookup = (key: string): unknown => {
    if (key === 'AWS::AccountId') return input.accountId;
    if (key === 'AWS::Region') return input.region;
    if (key === 'AWS::Partition') return partition;
    if (key === 'AWS::NoValue') return NO_VALUE;
    const value = input.parameters[key] ?? input.attributes[key] ?? template.Parameters?.[key]?.Default;
    if (value === undefined) throw new Error(`the template asks for \`${key}\`, which nobody gave`);
    return value;
  };
  const holds = (name: string): boolean => resolve(template.Conditions?.[name]) === true;
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== NO_VALUE);
    if (typeof value !== 'object' || value === null) return value;
    const [entry, ...more] = Object.entries(value);
    if (entry !== undefined && more.length === 0) {
      const [key, given] = entry;
      const list = () => (given as readonly unknown[]).map(resolve);
      switch (key) {
        case 'Ref':
          return lookup(given as string);
        case 'Fn::GetAtt':
          return lookup(Array.isArray(given) ? given.join('.') : (given as string));
        case 'Fn::Sub':
          return (given as string).replaceAll(/\$\{([^}!]+)\}/g, (_, name: string) => String(lookup(name)));
        case 'Fn::If': {
          const [condition, yes, no] = given as readonly [string, unknown, unknown];
          return resolve(holds(condition) ? yes : no);
        }
        case 'Fn::Equals': {
          const [one, other] = list();
          return one === other;
        }
        case 'Fn::Not':
          return list()[0] !== true;
        case 'Fn::Join': {
          const [separator, items] = list() as [string, readonly unknown[]];
          return items.flat().join(separator);
        }
        case 'Fn::Split': {
          const [separator, text] = list() as [string, string];
          return text.split(separator);
        }
      }
      if (key.startsWith('Fn::'))
        throw new Error(`the template uses \`${key}\`, which is not understood here`);
    }
    const resolved: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const part = resolve(item);
      if (part !== NO_VALUE) resolved[key] = part;
    }
    return resolved;
  };
  return Object.fromEntries(
    Object.entries(template.Resources)
      .filter(([, { Condition }]) => Condition === undefined || holds(Condition))
      .map(([name, { Type, Properties }]) => [name, { type: Type, properties: resolve(Properties) }]),
  );
}

const NO_VALUE = Symbol('AWS::NoValue');
