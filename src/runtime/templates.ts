import { isRecord, parsePath, type ReferencePath, resolvePath, type Scope } from './paths.ts';

/** A payload template (`Parameters`, `ResultSelector`, `ItemSelector`), read once: fields ending in `.$` are replaced by what their path names. */
export type Template =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'path'; readonly path: ReferencePath }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, Template])[] }
  | { readonly kind: 'list'; readonly items: readonly Template[] };

/** Reports a fault inside a template: where, relative to the template, and what. */
export type ReportFault = (path: readonly (string | number)[], message: string) => void;

export function parseTemplate(
  value: unknown,
  report: ReportFault,
  at: readonly (string | number)[] = [],
): Template {
  if (Array.isArray(value)) {
    return {
      kind: 'list',
      items: value.map((item, index) => parseTemplate(item, report, [...at, index])),
    };
  }
  if (isRecord(value)) {
    const entries = Object.entries(value).map(([key, inner]): readonly [string, Template] => {
      const here = [...at, key];
      if (!key.endsWith('.$')) return [key, parseTemplate(inner, report, here)];
      const name = key.slice(0, -2);
      if (Object.hasOwn(value, name)) report(here, `both \`${name}\` and \`${key}\` are given`);
      if (typeof inner !== 'string') {
        report(here, 'a field that ends in `.$` needs a path as text');
        return [name, { kind: 'literal', value: null }];
      }
      const path = parsePath(inner);
      if (!path.ok) report(here, path.error);
      return [name, path.ok ? { kind: 'path', path: path.value } : { kind: 'literal', value: null }];
    });
    return { kind: 'object', entries };
  }
  if (typeof value === 'string' && value.startsWith('{%'))
    report(at, `JSONata expression \`${value}\` is outside the portable subset`);
  return { kind: 'literal', value };
}

/** Every path a template reads, for the lint and for the check of where a token may be passed. */
export function pathsOf(template: Template): ReferencePath[] {
  switch (template.kind) {
    case 'literal':
      return [];
    case 'path':
      return [template.path];
    case 'object':
      return template.entries.flatMap(([, inner]) => pathsOf(inner));
    case 'list':
      return template.items.flatMap(pathsOf);
  }
}

/** Fills a template. `missing` is called with a path that names nothing, and must throw. */
export function fillTemplate(
  template: Template,
  scope: Scope,
  missing: (path: ReferencePath) => never,
): unknown {
  switch (template.kind) {
    case 'literal':
      return template.value;
    case 'path': {
      const resolved = resolvePath(template.path, scope);
      return resolved.found ? resolved.value : missing(template.path);
    }
    case 'list':
      return template.items.map((item) => fillTemplate(item, scope, missing));
    case 'object':
      return Object.fromEntries(
        template.entries.map(([key, inner]) => [key, fillTemplate(inner, scope, missing)]),
      );
  }
}
