"""What the teams state in their reports, each as a comparison of two rows of a study."""

from __future__ import annotations

from smearlab.evaluation.studies.verdicts import Expected, Finding

_CLEAN, _ONLINE = "clean", "chain"
"""Local pictures; and the hidden set, which the chains of alterations resemble most."""


def _with_stand_in(first: str, second: str) -> tuple[tuple[str, str], ...]:
    return (first, second), (f"{first}-mnv2", f"{second}-mnv2")


def _formidable() -> list[Finding]:
    team, table, pipelines = "formidable", "formidable", "formidable-augmentation"
    heavy = (("mobilenetv3-heavy", "mobilenetv3-light"),)
    return [
        Finding(
            *(
                "weighted-loss",
                team,
                "A loss weighted up for the classes of lowest accuracy did not help (.80 → .69 online).",
            ),
            *(table, (("mobilenetv3-heavy-weighted", "mobilenetv3-heavy"),), _ONLINE, "no gain"),
        ),
        Finding(
            *("heavy-online", team, "The heavy MobileNetV3 gains a few points over the light one online (.80, .77)."),
            *(table, heavy, _ONLINE),
        ),
        Finding(
            *("heavy-local", team, "And locally (.9762, .9640)."),
            *(table, heavy, _CLEAN),
        ),
        Finding(
            *("granulocytes-monocytes", team, "Immature granulocytes and monocytes stay confused."),
            *(table, (("mobilenetv3-heavy", ""), ("mobilenetv3-light", "")), "3 and 5 confused"),
        ),
        Finding(
            *(
                "basic-collapses",
                team,
                "The basic CNN, good locally (.90), fails online (.32), MobileNetV2 less (.68).",
            ),
            *(table, (("basic", "mobilenetv2"),), _ONLINE, "less"),
        ),
        Finding(
            *("light-beats-mobilenetv2", team, "MobileNetV3 light from scratch beats MobileNetV2 online (.77, .68)."),
            *(table, (("mobilenetv3-light", "mobilenetv2"),), _ONLINE),
        ),
        Finding(
            *("mobilenetv2-overfits", team, "With the final pipeline MobileNetV2 overfits early and gains nothing."),
            *(pipelines, (("final", "weak"),), _CLEAN, "no gain"),
        ),
        Finding(
            *("final-pipeline", team, "The final pipeline holds up better on altered pictures than the weak one."),
            *(pipelines, (("final-v3", "weak-v3"),), _ONLINE),
        ),
    ]


def _pacapa() -> list[Finding]:
    team, table, cleaning = "ai_pacapa", "ai-pacapa", "ai-pacapa-cleaning"
    untouched = {
        "k-means": ("K-means-refined data", (("k-means", "plain"),)),
        "high-pass": ("High-pass filtering at prediction", (("high-pass", "plain"),)),
        "high-pass-trained": ("High-pass filtering", (("high-pass-trained", "plain"),)),
        "nuclei": ("Nucleus segmentation at prediction", (("nuclei", "plain"),)),
        "nuclei-trained": ("Nucleus segmentation", (("nuclei-trained", "plain"),)),
        "cluster-noise": ("Noise elimination by the score of each cluster", (("cluster-noise", "plain"),)),
        "test-time": ("Test-time augmentation", (("turned", "plain"),)),
    }
    larger = "The larger network is the better one on heavily altered pictures"
    return [
        *(
            Finding(f"{name}-no-gain", team, f"{what} brought no gain.", cleaning, pairs, _ONLINE, "no gain")
            for name, (what, pairs) in untouched.items()
        ),
        Finding(
            *("heavy-augmentation", team, "Heavy augmentation makes a network resist noise better than light."),
            *("ai-pacapa-augmentation", (("heavy", "light"),), _ONLINE),
        ),
        Finding(
            *("v2b3-over-v3small", team, f"{larger}: EfficientNetV2B3 (.81) over MobileNetV3Small (.75)."),
            *(table, (("efficientnetv2b3", "mobilenetv3small"),), _ONLINE),
        ),
        Finding(
            *("xlarge-over-v2b3", team, f"{larger}: ConvNeXtXLarge (.86) over EfficientNetV2B3 (.81)."),
            *(table, (("convnextxlarge", "efficientnetv2b3"),), _ONLINE),
        ),
    ]


def _m2g() -> list[Finding]:
    team, extractors, augmentation = "m2g", "m2g-extractors", "m2g-augmentation"
    v2m = "extractor-efficientnetv2m"
    weakest = {"efficientnetb0": ".7933", "efficientnetv2l": ".8354", "inceptionv3": ".9285"}
    bigger = _with_stand_in("head-256-128", "head-128")
    return [
        Finding(
            *("weights-beat-synthetic", team, "Class weights beat synthetic data (.9678, .9231)."),
            *("m2g-imbalance", _with_stand_in("imbalance-weights", "imbalance-synthetic"), _CLEAN),
        ),
        *(
            Finding(
                *(f"v2m-over-{name}", team, f"EfficientNetV2M (.9680) extracts better features than {name} ({score})."),
                *(extractors, ((v2m, f"extractor-{name}"),), _CLEAN),
            )
            for name, score in weakest.items()
        ),
        Finding(
            *("ensemble", team, "Features of V2 S, M and L together are worse than V2M's alone (.8788, .9680)."),
            *("m2g-ensemble", (("ensemble-v2sml", v2m),), _CLEAN, "less"),
        ),
        Finding(
            *("mixup-cutmix-hurts", team, "MixUp and CutMix alone hurt (.8127 against .9701)."),
            *(augmentation, _with_stand_in("augment-mixup-cutmix", "augment-traditional"), _CLEAN, "less"),
        ),
        Finding(
            *("mixup-cutmix-traditional-hurts", team, "And with traditional augmentation too (.8767 against .9701)."),
            *(augmentation, _with_stand_in("augment-mixup-cutmix-traditional", "augment-traditional"), _CLEAN, "less"),
        ),
        Finding(
            *("randaugment-best", team, "RandAugment generalises best of all and became the standard."),
            *(augmentation, _with_stand_in("augment-randaugment", "augment-traditional"), _ONLINE),
        ),
        Finding(
            *("randaugment-over-mixing", team, "RandAugment beats MixUp and CutMix (.9558, .8127)."),
            *(augmentation, _with_stand_in("augment-randaugment", "augment-mixup-cutmix"), _CLEAN),
        ),
        Finding(
            *("unfreezing-online", team, "More unfrozen at a higher rate is marginally better online (.85, .84)."),
            *("m2g-unfreezing", _with_stand_in("unfreeze-80", "unfreeze-60"), _ONLINE),
        ),
        Finding(
            *("unfreezing-local", team, "Locally both shares are alike (.9753, .9769)."),
            *("m2g-unfreezing", _with_stand_in("unfreeze-80", "unfreeze-60"), _CLEAN, "alike"),
        ),
        Finding(
            *("bigger-head-local", team, "A bigger head is better locally (.9875, .9753)."),
            *("m2g-heads", bigger, _CLEAN),
        ),
        Finding(
            *("bigger-head-overfits", team, "A bigger head overfits: it is worse online (.82, .85)."),
            *("m2g-heads", bigger, _ONLINE, "less"),
        ),
        Finding(
            *("five-six-as-three", team, "Classes 5 and 6 are read as 3 by every model."),
            *(augmentation, (("augment-traditional", ""), ("augment-traditional-mnv2", "")), "5 and 6 read as 3"),
        ),
    ]


def _november() -> list[Finding]:
    team, table, stages, optimisers = "november", "november", "november-stages", "november-optimisers"
    return [
        Finding(
            *(
                "late-over-middle",
                team,
                "The late stage beats the middle one online: ConvNeXtTiny .86, MobileNetV3Large .74.",
            ),
            *(table, (("convnexttiny", "mobilenetv3large"),), _ONLINE),
        ),
        Finding(
            *(
                "middle-over-early",
                team,
                "The middle stage beats the early one online: MobileNetV3Large .74, MobileNetV3 .36.",
            ),
            *(table, (("mobilenetv3large", "mobilenetv3"),), _ONLINE),
        ),
        Finding(
            *("small-no-better", team, "ConvNeXtSmall is no better online than ConvNeXtTiny (.85, .86)."),
            *(table, (("convnextsmall", "convnexttiny"),), _ONLINE, "no gain"),
        ),
        Finding(
            *("final-over-late", team, "The final model beats the late stage online (.92, .86)."),
            *(table, (("final", "convnexttiny"),), _ONLINE),
        ),
        Finding(
            *("stage-2-over-1", team, "Refined augmentation holds up better than simple."),
            *(stages, (("stage2", "stage1"),), _ONLINE),
        ),
        Finding(
            *("stage-3-over-2", team, "Augmentation drawn while training generalises better than copies made once."),
            *(stages, (("stage3", "stage2"),), _ONLINE),
        ),
        Finding(
            *("weights-unnecessary", team, "Once classes are balanced by copies, class weights are unnecessary."),
            *(stages, (("weights", "stage3"),), _CLEAN, "no gain"),
        ),
        Finding(
            *(
                "all-at-once",
                team,
                "Freeing all layers at once generalises better than gradual unfreezing (final model).",
            ),
            *("november-unfreezing", (("full", "gradual"),), _ONLINE),
        ),
        Finding(
            *(
                "gradual",
                team,
                "Gradual unfreezing keeps more of what was known: it is better (before the final model).",
            ),
            *("november-unfreezing", (("gradual", "full"),), _ONLINE),
        ),
        Finding(
            *("frozen-norms", team, "Norms are better kept frozen while tuning."),
            *("november-unfreezing", (("full", "full-norms"),), _CLEAN),
        ),
        Finding(
            *("lion-low-rate", team, "Lion wants a low rate and a high decay."),
            *(optimisers, (("lion-low-rate", "lion-high-rate"),), _CLEAN),
        ),
        Finding(
            *("adamw-high-rate", team, "AdamW wants a higher rate and a lower decay."),
            *(optimisers, (("adamw-high-rate", "adamw-low-rate"),), _CLEAN),
        ),
    ]


def _rookie() -> list[Finding]:
    team = "rookie"
    penalties: dict[str, str] = {
        "none": "no penalty", "l1": "L1", "l2": "L2", "l1l2-weak": "L1L2 of .0001", "l1l2-strong": "L1L2 of .01"
    }  # fmt: skip
    policies: dict[str, tuple[str, tuple[str, str], Expected]] = {
        "mixup-augmix": ("MixUp and AugMix together are worse.", ("mixup-augmix", "augmix"), "less"),
        "augmix-randaugment": ("AugMix is better than RandAugment.", ("augmix", "randaugment"), "more"),
        "gridmask": ("GridMask brought no gain.", ("gridmask", "basic"), "no gain"),
        "cutmix": ("CutMix brought no gain.", ("cutmix", "basic"), "no gain"),
        "validation-noise": ("Noise on the validation pictures gained very little.", ("noise", "augmix"), "no gain"),
    }
    return [
        *(
            Finding(
                *(f"l1l2-over-{name}", team, f"L1L2 of .001 is better than {what}."),
                *("rookie-regularisation", (("l1l2", name),), _CLEAN),
            )
            for name, what in penalties.items()
        ),
        Finding(
            *("relu", team, "ReLU is better than LeakyReLU."),
            *("rookie-regularisation", (("l1l2", "leaky"),), _CLEAN),
        ),
        *(
            Finding(f"rookie-{name}", team, text, "rookie-augmentation", (pair,), _ONLINE, expected)
            for name, (text, pair, expected) in policies.items()
        ),
        Finding(
            *("cnn-over-small", team, "More blocks and regularisation beat the first CNN online (.34, .25)."),
            *("rookie", (("cnn", "cnn-small"),), _ONLINE),
        ),
        Finding(
            *("vgg16-best", team, "VGG16 is the most robust, before ResNet50V2 (.67, .57 online)."),
            *("rookie", (("vgg16", "resnet50v2"),), _ONLINE),
        ),
        Finding(
            *("end-unfrozen", team, "Freeing the end layers after the head lifts InceptionV3 from .43 to .93."),
            *("rookie-freezing", (("end", "head"),), _CLEAN),
        ),
        Finding(
            *("first-layers", team, "Freezing two or more of the first layers makes no difference worth mention."),
            *("rookie-freezing", (("first-2", "all"),), _CLEAN, "alike"),
        ),
        Finding(
            *("double-scaling", team, "EfficientNet's 45 % comes of dividing by 255 what scales itself."),
            *("double-scaling", (("b0-doubled", "b0-right"), ("doubled-head", "right-head")), _CLEAN, "less"),
        ),
    ]


def _ours() -> list[Finding]:
    return [
        Finding(
            *("imagenet-over-scratch", "ours", "On few pictures ImageNet's weights beat training from scratch."),
            *("transfer", (("imagenet", "scratch"),), _CLEAN),
        ),
        Finding(
            *("imagenet-over-fast-scratch", "ours", "Also where training from scratch goes at four times the rate."),
            *("transfer", (("imagenet", "scratch-fast"),), _CLEAN),
        ),
    ]


FINDINGS: tuple[Finding, ...] = (*_formidable(), *_pacapa(), *_m2g(), *_november(), *_rookie(), *_ours())
