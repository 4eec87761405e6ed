// The API's description has only the theme to look after.

import { by } from "./dom.js";
import { themeButton } from "./theme.js";

themeButton(by("theme"));
