import { type Condition, type LoadedPolicy, parsePolicy, type Subject } from '../../src/policy/index.ts';

const ROLES = ['legal', 'security'];

/** One control, for tests that need nothing else of a policy. */
export interface ControlJson {
  readonly id: string;
  readonly subject: Subject;
  readonly require: Condition;
  readonly when?: Condition;
  readonly coverableByException?: boolean;
}

export interface StorageJson {
  readonly baseline?: 'none' | 'metadata-only';
  readonly regions?: readonly string[];
  readonly administrators?: readonly { readonly principal: string; readonly reason: string }[];
  readonly overrides?: readonly Readonly<Record<string, string>>[];
}

/** A small policy, read by the loader like any other; JSON is YAML. */
export function policyWith(controls: readonly ControlJson[], storage: StorageJson = {}): LoadedPolicy {
  const source = [{ document: 'policy', section: '4' }];
  const { regions = ['eu-central-1'], ...more } = storage;
  const text = JSON.stringify({
    kind: 'Policy',
    schemaVersion: 1,
    metadata: {
      id: 'test',
      title: 'A policy for tests',
      version: '1.0.0',
      status: 'draft',
      owner: 'Security',
      audience: ['testers'],
      summary: 'nothing is stored',
    },
    sources: [{ id: 'policy', title: 'AI Prompt Storage & Traceability Policy' }],
    statements: [{ id: 'S-1', source: source[0], says: 'prompts are not stored', carriedBy: ['storage'] }],
    storage: {
      baseline: 'none',
      dataRetentionMode: 'none',
      scope: { regions },
      administrators: [],
      enforcement: 'observe',
      ...more,
    },
    controls: controls.map((control) => ({
      title: `title of ${control.id}`,
      severity: 'high',
      source,
      message: 'it is violated',
      remedy: 'undo it',
      ...control,
    })),
    exceptions: {
      source,
      approvals: {
        roles: ROLES.map((role) => ({ role, title: role, source })),
        expireAfter: '7d',
      },
      limits: {
        retention: '14d',
        enablement: '12d',
        leasedTime: { atMost: '14d', within: '30d' },
        startsWithin: '30d',
        enableWithin: '1h',
      },
      scope: { topologies: ['dedicated'], modalities: ['text'], maxSubjects: 10 },
      destination: { kinds: ['s3'], encryption: 'customer-managed-key', versioning: 'allowed' },
      purge: { drain: '1h', secondListingAfter: '24h' },
      review: { every: '1d' },
      notice: { required: true },
      breakGlass: { enabled: false, atMost: '24h' },
    },
    review: { source, every: '365d', reviewers: [{ body: 'legal', title: 'Legal' }] },
  });
  const loaded = parsePolicy(text, 'test.yaml');
  if (!loaded.ok) throw new Error(loaded.error.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return loaded.value;
}
