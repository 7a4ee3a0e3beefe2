import type { Finding } from '../../rules/index.ts';

/** The AWS partition of a finding, by its principal's ARN or its Region. */
export function partitionOf({ subject }: Finding): string {
  if (subject.kind === 'principal') return subject.arn.split(':')[1] ?? 'aws';
  const region = subject.kind === 'account-region' ? subject.region : '';
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
