// SPDX-License-Identifier: MPL-2.0
import type { ReactNode, SVGProps } from 'react';

/** A drawing of 16 by 16, as large as the letters are, in the colour of the text; it is decoration, the text beside it says the same. */
function icon(children: ReactNode) {
  return function Icon({ size = 16, ...rest }: SVGProps<SVGSVGElement> & { size?: number }) {
    return (
      <svg width={`${size / 16}rem`} height={`${size / 16}rem`} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false" {...rest}>
        {children}
      </svg>
    );
  };
}

export const Icons = {
  good: icon(
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="m5.4 8.2 1.8 1.8 3.4-3.8" />
    </>,
  ),
  bad: icon(
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="m6 6 4 4m0-4-4 4" />
    </>,
  ),
  warn: icon(<path d="M8 2.2 14.3 13H1.7L8 2.2Zm0 4v3.2m0 1.8v.1" />),
  busy: icon(
    <>
      <circle cx="8" cy="8" r="6" strokeDasharray="3 2.6" />
      <path d="M8 5v3.2l2 1.2" />
    </>,
  ),
  idle: icon(
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M5.5 8h5" />
    </>,
  ),
  jobs: icon(<path d="M2.5 4.5h11v9h-11zM5.5 4.5v-2h5v2M2.5 8.5h11" />),
  allocations: icon(<path d="M2.5 2.5h4.5V7H2.5zM9 2.5h4.5V7H9zM2.5 9H7v4.5H2.5zM9 9h4.5v4.5H9z" />),
  clients: icon(<path d="M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1" />),
  services: icon(
    <>
      <circle cx="3.8" cy="8" r="1.8" />
      <circle cx="12" cy="3.8" r="1.8" />
      <circle cx="12" cy="12.2" r="1.8" />
      <path d="m5.4 7.1 5-2.5M5.4 8.9l5 2.5" />
    </>,
  ),
  servers: icon(<path d="M8 2 13.5 5v6L8 14 2.5 11V5L8 2Zm0 6v6M8 8 2.5 5M8 8l5.5-3" />),
  topology: icon(<path d="M2.5 2.5h11v11h-11zM2.5 6.2h11M2.5 9.8h11M6.2 2.5v11M9.8 2.5v11" />),
  evaluations: icon(<path d="M3 2.5h10v11H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h3" />),
  cluster: icon(
    <>
      <circle cx="8" cy="8" r="2.2" />
      <path d="M8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6 5 5M11 11l1.4 1.4M12.4 3.6 11 5M5 11l-1.4 1.4" />
    </>,
  ),
  search: icon(
    <>
      <circle cx="7" cy="7" r="4.5" />
      <path d="m10.5 10.5 3.5 3.5" />
    </>,
  ),
  sun: icon(
    <>
      <circle cx="8" cy="8" r="3" />
      <path d="M8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1" />
    </>,
  ),
  moon: icon(<path d="M13.5 9.5A5.8 5.8 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7Z" />),
  clock: icon(
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 4.5V8l2.5 1.5" />
    </>,
  ),
  key: icon(
    <>
      <circle cx="5.5" cy="10.5" r="3" />
      <path d="m7.6 8.4 5.4-5.4m-2 2 1.8 1.8" />
    </>,
  ),
  lock: icon(<path d="M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5" />),
  copy: icon(<path d="M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1" />),
  check: icon(<path d="m3 8.5 3.2 3.2L13 4.8" />),
  close: icon(<path d="m4 4 8 8m0-8-8 8" />),
  up: icon(<path d="m4 10 4-4 4 4" />),
  down: icon(<path d="m4 6 4 4 4-4" />),
  right: icon(<path d="m6 4 4 4-4 4" />),
  left: icon(<path d="m10 4-4 4 4 4" />),
  first: icon(<path d="m12 4-4 4 4 4M4.5 4v8" />),
  plus: icon(<path d="M8 3v10M3 8h10" />),
  terminal: icon(<path d="M2 3h12v10H2zM4.5 6l2 2-2 2M8.5 10h3" />),
  external: icon(<path d="M6.5 3.5h-3v9h9v-3M9 2.5h4.5V7M13.2 2.8 7.5 8.5" />),
  download: icon(<path d="M8 2.5v7.5m-3-3 3 3 3-3M3 13h10" />),
  pause: icon(<path d="M5.5 3.5v9M10.5 3.5v9" />),
  play: icon(<path d="M5 3.5v9l7-4.5-7-4.5Z" />),
  menu: icon(<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />),
  more: icon(<path d="M3.5 8h.1M8 8h.1M12.4 8h.1" strokeWidth="2.4" />),
  folder: icon(<path d="M2 4h4l1.5 1.5H14v7H2z" />),
  file: icon(<path d="M4 2h5l3 3v9H4zM9 2v3h3" />),
};

/** The name of one of the drawings. */
export type IconName = keyof typeof Icons;
