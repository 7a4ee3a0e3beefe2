import type { Finding } from '../../rules/index.ts';

export function partitionOfRegion(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

/** The AWS partition of a finding, by its principal's ARN or its Region. */
export const partitionOf = ({ subject }: Finding): string =>
  subject.kind === 'principal'
    ? (subject.arn.split(':')[1] ?? 'aws')
    : partitionOfRegion(subject.kind === 'account-region' ? subject.region : '');
