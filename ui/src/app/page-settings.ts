// SPDX-License-Identifier: MPL-2.0

/** What the agent's configuration says about the page; type Page in handler.go. */
export interface PageSettings {
  label?: string;
  labelBackground?: string;
  labelColor?: string;
  hideCLIHints?: boolean;
}

function read(): PageSettings {
  try {
    return JSON.parse(document.querySelector<HTMLMetaElement>('meta[name="nomadlike"]')?.content ?? '{}') as PageSettings;
  } catch {
    return {}; // the page is served by the development server, which fills nothing in
  }
}

/** The settings of this page. */
export const pageSettings = read();
