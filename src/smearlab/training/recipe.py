"""`Recipe`: everything that decides a training run, read from TOML and validated."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from smearlab.augment.config import AugmentConfig, PolicyName, StepConfig
from smearlab.data.framing import Framing
from smearlab.data.split import SplitConfig
from smearlab.networks.config import HeadConfig, NetworkConfig, TrainableConfig
from smearlab.training.sections import (
    AveragingConfig,
    DistillationConfig,
    NonNegative,
    Positive,
    RobustnessConfig,
    Section,
    SelectionConfig,
    WarmUpConfig,
)

OptimiserName = Literal["sgd", "adam", "adamw", "nadam", "radam", "lion", "ranger", "rmsprop"]
ScheduleName = Literal["constant", "cosine", "one_cycle", "plateau"]
PrecisionName = Literal["auto", "float32", "bfloat16", "float16"]


class DataConfig(Section):
    """How the data is read and checked.

    Attributes:
        tolerate_unreadable: go on although a whole class, or more than 5 % of the pictures, cannot be decoded.
        drop_duplicates: leave out all but the first of identical pictures, and every picture that stands under several
            labels; not where the data brings its own split.
        near_duplicates: search near duplicates, so that no split separates them; off for data beyond ~10⁵ pictures.
        source: the data's name; written by the run, so that its recipe says what it was used on.
        licence: under which the trained model may be passed on; written into the model.
        credit: whom the data's licence asks to be named; written into the model.
    """

    tolerate_unreadable: bool = False
    drop_duplicates: bool = True
    near_duplicates: bool = True
    source: str = ""
    licence: str = ""
    credit: str = ""


class BalanceConfig(Section):
    """How classes of different size are treated while training.

    Attributes:
        kind: ``none``; ``class_weights`` (the loss of a class is weighted); ``oversample`` (an epoch shows pictures of
            small classes several times); ``batches`` (every batch draws the classes equally often); ``synthetic``
            (altered copies, made once, fill small classes up); ``worst_classes`` (after every epoch the loss of a class
            is weighted up by how far its recall on validation is behind the best).
        power: of the weights, and of how far ``oversample`` and ``synthetic`` fill a class up: 1 is the full inverse
            frequency, 0.5 its square root.
        normalise: of ``class_weights``: ``pictures`` ((N / (classes · N_class)) ** power, whose mean over the pictures
            is 1 at power 1), ``classes`` (scaled so that their mean over the classes is 1) or ``none`` (the plain
            (N / N_class) ** power).
        per_class: pictures that ``oversample`` and ``synthetic`` fill each class up to; 0 is the number of the largest.
        policy: that alters the copies of ``synthetic``.
        steps: of the policy ``sequence``, where the copies are altered by that.
        strength: of ``worst_classes``: the weight of a class is 1 + strength · (best recall − its recall).
    """

    kind: Literal["none", "class_weights", "oversample", "batches", "synthetic", "worst_classes"] = "none"
    power: Annotated[float, Field(ge=0, le=2)] = 1.0
    normalise: Literal["pictures", "classes", "none"] = "pictures"
    per_class: Annotated[int, Field(ge=0)] = 0
    policy: PolicyName = "traditional"
    steps: tuple[StepConfig, ...] = ()
    strength: NonNegative = 2.0


class LossConfig(Section):
    """The loss.

    Attributes:
        kind: ``cross_entropy`` or ``focal`` (Lin et al. 2017).
        label_smoothing: share of the target spread over all classes (Szegedy et al. 2016).
        gamma: focusing parameter of the focal loss.
        jsd: factor of the Jensen-Shannon divergence between the answers to three views of every picture, one turned and
            mirrored and two by the policy (Hendrycks et al. 2020, who take 12); 0 turns it off. A step costs three
            times as much; the loss itself sees the first view alone.
    """

    kind: Literal["cross_entropy", "focal"] = "cross_entropy"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    gamma: NonNegative = 2.0
    jsd: NonNegative = 0.0


class RegularisationConfig(Section):
    """Penalties beside the optimiser's weight decay.

    Attributes:
        l1: factor of the sum of absolute dense-layer weights, added to the loss.
        l2: factor of the sum of squared dense-layer weights, added to the loss.
        scope: ``dense`` layers alone, or the convolutions as well (``all``), of the backbone too.
        clip_gradient: largest norm of the whole gradient; 0 turns clipping off.
    """

    l1: NonNegative = 0.0
    l2: NonNegative = 0.0
    scope: Literal["dense", "all"] = "dense"
    clip_gradient: NonNegative = 5.0


class EmaConfig(Section):
    """Exponential moving average of the weights (Polyak & Juditsky 1992), which is then what is validated and shipped.

    Attributes:
        decay: share of the old average kept per step; 0 turns it off.
        warmup: start with a shorter memory, min(decay, 1 - (1 + step) ** (-2/3)), so that the start is forgotten.
    """

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    warmup: bool = True


class PrecisionConfig(Section):
    """Arithmetic of the training step.

    Attributes:
        mode: ``auto`` measures float32 against bfloat16 on the network at hand, once, and writes the choice into the
            run's recipe.
        channels_last: keep pictures and weights with the channels innermost, which most CPUs and GPUs prefer.
    """

    mode: PrecisionName = "auto"
    channels_last: bool = True


class CheckpointConfig(Section):
    """How often the state is saved.

    Attributes:
        every_minutes: save within an epoch too when this much time has passed; every epoch's end is saved anyway.
    """

    every_minutes: Positive = 5.0


class EarlyStoppingConfig(Section):
    """When a phase ends early.

    Attributes:
        patience: epochs without a better selection metric after which the phase ends; 0 never ends it early.
        min_delta: smallest change that counts as better.
    """

    patience: Annotated[int, Field(ge=0)] = 0
    min_delta: NonNegative = 0.0


class PhaseConfig(Section):
    """One phase of training. A run has any number of them, one after another, each with a fresh optimiser.

    Attributes:
        name: shown in the history.
        epochs: at most this many passes over the training pictures.
        size: height and width in pixels that the pictures are made smaller (or larger) to in this phase: a first phase
            at a smaller size costs less; 0 is the framing's. Validation and model keep the framing's.
        batch_size: pictures per step, over all processes together.
        min_steps_per_epoch: a small set is shown several times in one epoch, so that an epoch has at least this many
            steps and a recipe made for thousands of pictures also works on a few hundred.
        trainable: what of the network learns.
        optimiser: by name.
        learning_rate: the highest of the schedule.
        weight_decay: decoupled where the optimiser decouples it; never on biases and norms.
        momentum: of SGD and RMSprop.
        schedule: ``constant``, ``cosine`` (to `final_share`), ``one_cycle`` (Smith & Topin 2018) or ``plateau``.
        warmup_epochs: linear rise from a hundredth of the learning rate; for ``one_cycle`` the length of the rise.
        final_share: the schedule's last learning rate as a share of the highest.
        plateau_patience: epochs without a better selection metric before the rate falls.
        plateau_factor: what the rate is then multiplied by.
        early_stopping: when to end before the last epoch.
    """

    name: str = "train"
    epochs: Annotated[int, Field(ge=1)] = 20
    size: Annotated[int, Field(ge=0, le=1024)] = 0
    batch_size: Annotated[int, Field(ge=1)] = 64
    min_steps_per_epoch: Annotated[int, Field(ge=1)] = 1
    trainable: TrainableConfig = TrainableConfig()
    optimiser: OptimiserName = "adamw"
    learning_rate: Positive = 3e-3
    weight_decay: NonNegative = 0.05
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    schedule: ScheduleName = "cosine"
    warmup_epochs: NonNegative = 1.0
    final_share: Annotated[float, Field(ge=0, le=1)] = 0.001
    plateau_patience: Annotated[int, Field(ge=1)] = 3
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.3
    early_stopping: EarlyStoppingConfig = EarlyStoppingConfig()


class ReportedConfig(Section):
    """What others reported of a system that a recipe repeats; shown beside our figures, and used for nothing else.

    Attributes:
        team: who built it.
        system: what they called it.
        parameters: learnable numbers as they counted them; 0 where they do not say.
        figures: by metric, as shares of 1: ``accuracy``, ``macro_f1``, ``recall``, ``online`` and the like; ``online``
            is the hidden test set.
        remark: what a reader should know.
    """

    team: str = ""
    system: str = ""
    parameters: Annotated[int, Field(ge=0)] = 0
    figures: dict[str, float] = Field(default_factory=dict)
    remark: str = ""


class Recipe(Section):
    """Everything that decides a training run. Two runs with one recipe, data and machine give the same weights.

    Attributes:
        name: what the recipe is, for people.
        description: one sentence, shown in the report.
        reported: what others reported of the system.
        seed: decides every random draw of the run, the split's too.
        data: reading and checking.
        framing: how a picture becomes the network's input.
        split: training, validation and test parts.
        balance: classes of different size.
        augment: random changes of the training pictures.
        network: backbone and weights.
        head: layers after pooling.
        loss: the loss.
        distillation: learning from trained models.
        regularisation: penalties and gradient clipping.
        ema: moving average of the weights.
        averaging: other weights to try at the end.
        precision: arithmetic.
        selection: which epoch is kept.
        robustness: the look at altered pictures in the report.
        checkpoint: how often the state is saved.
        warm_up: learning without labels, before the phases.
        phases: one or more phases of training.
    """

    name: str = "unnamed"
    description: str = ""
    reported: ReportedConfig = ReportedConfig()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    data: DataConfig = DataConfig()
    framing: Framing = Framing()
    split: SplitConfig = SplitConfig.model_validate({})
    balance: BalanceConfig = BalanceConfig()
    augment: AugmentConfig = AugmentConfig()
    network: NetworkConfig = NetworkConfig()
    head: HeadConfig = HeadConfig()
    loss: LossConfig = LossConfig()
    distillation: DistillationConfig = DistillationConfig()
    regularisation: RegularisationConfig = RegularisationConfig()
    ema: EmaConfig = EmaConfig()
    averaging: AveragingConfig = AveragingConfig()
    precision: PrecisionConfig = PrecisionConfig()
    selection: SelectionConfig = SelectionConfig()
    robustness: RobustnessConfig = RobustnessConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    warm_up: WarmUpConfig = WarmUpConfig()
    phases: Annotated[tuple[PhaseConfig, ...], Field(min_length=1)] = (PhaseConfig(),)

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        for phase in self.phases:
            if phase.warmup_epochs > phase.epochs:
                raise ValueError(
                    f"phase '{phase.name}': warmup_epochs {phase.warmup_epochs:g} is longer than its {phase.epochs} "
                    "epochs"
                )
        if self.loss.jsd and (self.augment.mixup or self.augment.cutmix):
            raise ValueError("loss.jsd compares views of one picture; set augment.mixup and augment.cutmix to 0")
        if self.averaging.wise_ft and self.network.weights == "none" and not self.warm_up.epochs:
            raise ValueError("averaging.wise_ft goes back towards starting weights; network.weights is 'none'")
        return self

    @model_validator(mode="after")
    def _selects_by_the_unseen(self) -> Self:
        if self.selection.suite != "none":
            # Imported only where it is asked for: a recipe is read in a moment.
            from smearlab.training.corrupted import chosen_corruptions

            chosen_corruptions(self.selection, self.augment)
        return self
