import type { Modality } from '../policy/index.ts';

/**
 * Whether the caller of a record is one of the subjects. Bedrock writes an IAM user's ARN, or for a role that of its session, which leaves
 * the role's path out; a role's name is unique in its account, so name and account decide. Compared exactly, with its case.
 */
export function isSubject(subjects: readonly string[], identityArn: string): boolean {
  if (subjects.includes(identityArn)) return true;
  const session = /^arn:[^:]+:sts::([0-9]{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(identityArn);
  if (session === null) return false;
  const [, account, name] = session;
  return subjects.some((subject) => {
    const role = /^arn:[^:]+:iam::([0-9]{12}):role\/(?:.*\/)?([^/]+)$/.exec(subject);
    return role !== null && role[1] === account && role[2] === name;
  });
}

/**
 * Whether a record's model is one of those asked for. A foundation model or a system-defined inference profile is the same model by its id, by
 * its ARN and behind a geographic prefix (`us.`, `eu.`, `global.`). An application inference profile's id says nothing of its model: it
 * counts only where the request names it.
 */
export const isModel = (models: readonly string[], modelId: string): boolean => {
  const found = bare(modelId);
  return models.some((model) => model === modelId || bare(model) === found);
};

const bare = (model: string): string =>
  model
    .replace(/^arn:[^:]+:bedrock:[^:]*:[0-9]*:(?:foundation-model|inference-profile)\//, '')
    .replace(/^(?:us|us-gov|eu|apac|jp|au|ca|global)\.(?=[a-z0-9-]+\.)/, '');

/** Keys of the content parts of Converse and of the models' own bodies, and the kind of content behind them. */
const KIND_OF_KEY: Readonly<Record<string, Modality>> = {
  text: 'text',
  image: 'image',
  images: 'image',
  image_url: 'image',
  // Documents are delivered with images.
  document: 'image',
  video: 'video',
  audio: 'audio',
  input_audio: 'audio',
  embedding: 'embedding',
  embeddings: 'embedding',
  embeddingsByType: 'embedding',
};
/** Deeper than any body that a model takes; what is deeper is not recognized. */
const MOST_DEPTH = 64;

/**
 * The kinds of content in a body, as far as they are recognized by the names of its parts and its content type. A body of JSON is text at least.
 *
 * @returns undefined where it is nested too deep to be looked through
 */
export function modalitiesOf(
  body: unknown,
  contentType: string | undefined,
): ReadonlySet<Modality> | undefined {
  const found = new Set<Modality>();
  const kind = contentType?.split('/')[0];
  if (kind === 'image' || kind === 'video' || kind === 'audio') found.add(kind);
  if (body === undefined || body === null) return found;
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: body, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > MOST_DEPTH) return undefined;
    for (const [key, inner] of Object.entries(value)) {
      const named = Object.hasOwn(KIND_OF_KEY, key) ? KIND_OF_KEY[key] : undefined;
      if (named !== undefined && inner !== null) found.add(named);
      // The parts of Anthropic's messages say their kind: `{"type":"image", ...}`.
      if (key === 'type' && typeof inner === 'string' && Object.hasOwn(KIND_OF_KEY, inner))
        found.add(KIND_OF_KEY[inner] ?? 'text');
      if (typeof inner === 'object') open.push({ value: inner, depth: depth + 1 });
    }
  }
  if (found.size === 0) found.add('text');
  return found;
}
