import { nearest } from './nearest.ts';

/** When the list below was last compared with AWS's own. */
export const REGIONS_AS_OF = '2025-10-01';

/**
 * AWS Regions by their codes, those of China and of the US government included. AWS opens new ones, so a code that is not here is worth
 * a look and never an error.
 * @see https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
 */
export const KNOWN_REGIONS: readonly string[] = [
  'af-south-1',
  'ap-east-1',
  'ap-east-2',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-south-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-6',
  'ap-southeast-7',
  'ca-central-1',
  'ca-west-1',
  'cn-north-1',
  'cn-northwest-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'il-central-1',
  'me-central-1',
  'me-south-1',
  'mx-central-1',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-gov-east-1',
  'us-gov-west-1',
  'us-west-1',
  'us-west-2',
];

export interface UnknownRegion {
  /** In the list of Regions. */
  readonly index: number;
  readonly code: 'unknown-region';
  readonly message: string;
  readonly remedy: string;
}

/**
 * The governed Regions that no list of ours has. A mistyped Region is well-formed: nothing would be judged in the one that was meant,
 * and the one that does not exist would be unknown for ever.
 */
export const unknownRegions = (regions: readonly string[]): readonly UnknownRegion[] =>
  regions.flatMap((region, index) => {
    if (KNOWN_REGIONS.includes(region)) return [];
    const meant = nearest(region, KNOWN_REGIONS);
    const unlisted = `if it is newer than ${REGIONS_AS_OF}, leave it as it is`;
    return [
      {
        index,
        code: 'unknown-region',
        message: `\`${region}\` is not among the AWS Regions known on ${REGIONS_AS_OF}`,
        remedy:
          meant === undefined ? `check the code; ${unlisted}` : `did you mean \`${meant}\`? ${unlisted}`,
      },
    ];
  });
